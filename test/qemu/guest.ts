/**
 * Runs in the guest, bundled into one file, as the only thing its init starts: goes through the scenarios with
 * the same readers of /proc that are used on the host, and sends what it sees through the second serial port.
 */
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { deflateSync } from 'node:zlib';
import { readIdentity, startAndSettle } from '../support/proc.ts';
import { COMMAND, inParallel, NODE_PATH, run, SAMPLES } from '../support/run.ts';
import {
  type Checked,
  type Message,
  type Observation,
  ONLY_ESSENTIAL,
  PROGRAMS,
  type ProgramName,
  RESULTS,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts';

const INPUT = 'a b\nc\n';
const ENVIRONMENT = { PATH: NODE_PATH, IDENTITY: 'a value', EMPTY: '' };
/** Looking more often would keep an emulated machine from its work. */
const SLOWNESS = 8;
const CHECK_LIMIT = 60_000;
/** What the scenarios start programs under, and the tracer. */
const THROUGH = ['/confine', '/setpriv', '/unshare', '/strace'];
/** As many as the guest has processors. */
const WIDTH = 2;

function send(message: Message): void {
  appendFileSync(RESULTS, `${deflateSync(serialize(message)).toString('base64')}\n`);
}

async function observe(
  scenario: ScenarioName,
  program: ProgramName,
  by: Observation['by'],
): Promise<Observation> {
  const { under, traced }: Scenario = SCENARIOS[scenario];
  const { sample, bits } = PROGRAMS[program];
  const isTraced = traced === true && by === 'run-foreign';
  const log = `/tmp/${program}-${by}`;
  // The tracer is the grandchild, so that what it traces is ours to look at.
  const trace = isTraced ? ['strace', '-D', '-o', log, '-e', 'trace=prctl,prlimit64,execve,execveat'] : [];
  const foreign = by === 'run-foreign' ? [COMMAND, '--verbose'] : [];
  const [command = '', ...args] = [...under, ...trace, ...foreign, join(SAMPLES, sample), '-'];
  const living = await startAndSettle(command, args, {
    env: ENVIRONMENT,
    cwd: '/',
    slowness: SLOWNESS,
    through: THROUGH,
  });
  const { pid, child } = living;
  let stdout = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString('latin1');
  });
  const identity = readIdentity(pid, bits);
  const dataLimit = /^Max data size.*$/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[0] ?? '';
  const ended = once(child, 'close');
  child.stdin?.end(INPUT);
  const [status, signal] = (await ended) as [number | null, string | null];
  const calls = isTraced ? readFileSync(log, 'utf8').split('\n') : [];
  if (isTraced) rmSync(log);
  return {
    scenario,
    program,
    by,
    identity,
    dataLimit,
    stdout,
    status: status ?? signal ?? 'unknown',
    stderr: living.complaint(),
    calls,
  };
}

async function check(scenario: ScenarioName, { under }: Scenario): Promise<Checked> {
  const [command = '', ...args] = [...under, COMMAND, 'check', '--json'];
  const { stdout } = await run(command, args, { env: ENVIRONMENT, cwd: '/', timeout: CHECK_LIMIT });
  const { ok, checks } = JSON.parse(stdout) as {
    ok: boolean;
    checks: (Checked['checks'][string] & { id: string })[];
  };
  return { scenario, ok, checks: Object.fromEntries(checks.map((each) => [each.id, each])) };
}

async function withSysctl(settings: Readonly<Record<string, string>>, action: () => Promise<void>) {
  const paths = Object.entries(settings).map(([name, value]) => ({ path: `/proc/sys/${name}`, value }));
  const before = paths.map(({ path }) => readFileSync(path, 'utf8'));
  for (const { path, value } of paths) writeFileSync(path, value);
  try {
    await action();
  } finally {
    paths.forEach(({ path }, index) => {
      writeFileSync(path, before[index] ?? '');
    });
  }
}

const scenarios = Object.entries(SCENARIOS) as [ScenarioName, Scenario][];
for (const [name, scenario] of scenarios) {
  if (process.env[ONLY_ESSENTIAL] !== undefined && scenario.essential !== true) continue;
  const wanted = scenario.programs.flatMap((program) => [
    ...(PROGRAMS[program].native ? [{ program, by: 'execve' } as const] : []),
    { program, by: 'run-foreign' } as const,
  ]);
  await withSysctl(scenario.sysctl ?? {}, async () => {
    if (scenario.checked === true) send({ checked: await check(name, scenario) });
    await inParallel(
      wanted,
      async ({ program, by }) => {
        try {
          send({ observation: await observe(name, program, by) });
        } catch (error) {
          send({ failure: `${name}, ${program} by ${by}: ${error}` });
        }
      },
      WIDTH,
    );
  });
}
send({ done: true, release: release() });
