/**
 * Becoming a program. This is the plain start path: nothing slow may be imported here, above all not
 * yargs (test/cli/imports.test.ts holds the list).
 */
import { about, hex, printable } from '../errors.ts';
import { differencesFor } from '../launch/differences.ts';
import { environmentValue } from '../launch/environment.ts';
import { shownName } from '../launch/names.ts';
import { type PreparedProgram, type PreparedResumption, prepareStart } from '../launch/prepare.ts';
import type { ProgramRequest } from '../launch/request.ts';
import { startPlan } from '../launch/start.ts';
import { vaultOf } from '../plan/plan.ts';
import { keyDescriptors } from '../secrets/key-names.ts';
import { type Trace, timed } from '../trace.ts';
import { toBytes } from './invocation.ts';
import { keepStart } from './keep-start.ts';
import { loaderSettings } from './loaders.ts';
import { clearForOthers, writeLine } from './output.ts';
import { progressLine } from './progress.ts';
import { programEnvironment, type RunOptions } from './run-options.ts';
import { lazySecrets, type WipeableSecrets } from './secrets.ts';
import { self } from './self.ts';

export interface CommandRequest extends ProgramRequest {
  readonly secrets: WipeableSecrets;
  /** Whether the start may be kept for the next one, if it can be: nothing but the program was given. */
  readonly keep?: boolean;
}

/** What to run, as raw bytes, with PROGRAM first. */
export async function programRequest(
  command: readonly Uint8Array[],
  envp: readonly Uint8Array[],
  options: RunOptions,
): Promise<CommandRequest> {
  const trace = await traceFor(options);
  const [name = new Uint8Array(0), ...args] = command;
  const extraCa = environmentValue(envp, 'NODE_EXTRA_CA_CERTS');
  const keyFiles = (options.identity ?? []).map(toBytes);
  const secrets = lazySecrets(keyFiles, environmentValue(envp, 'CREDENTIALS_DIRECTORY'));
  return {
    name,
    args,
    argv0: options.argv0 === undefined ? undefined : toBytes(options.argv0),
    envp: programEnvironment(envp, options),
    withheld: options.unsetEnv?.map(toBytes),
    format: options.format,
    ...(await timed(
      trace,
      { event: 'loaders' },
      () => loaderSettings(options, envp, name),
      ({ loaders }) => ({ count: loaders.length }),
    )),
    self: self(),
    maxSize: options.maxSize,
    report: options.verbose === true,
    stdin: options.stdin === undefined ? undefined : toBytes(options.stdin),
    secrets,
    secretsWith: secrets.with,
    keyDescriptors: keyDescriptors(keyFiles, name),
    confidential: options.notConfidential !== true,
    progress: progressLine(lastPart(shownName(name))),
    resume: options.resume,
    trace,
    debugged: options.gdb !== undefined,
    network: {
      sha256: options.sha256,
      verifyKey: options.verifyKey,
      demanded: options.checkDemanded,
      // Ours and not the program's, for which --env may have set another.
      extraCa: extraCa === undefined || extraCa.length === 0 ? undefined : Buffer.from(extraCa).toString(),
    },
  };
}

/** Whom to tell of every step, if anybody wants to know. */
export async function traceFor({ trace }: RunOptions): Promise<Trace | undefined> {
  return trace === undefined ? undefined : (await import('./trace.ts')).startTrace(trace);
}

/** What people call a program, of its path or URL. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Hands the request to `action`; afterwards there are no keys. */
export async function withSecrets<T>(
  request: CommandRequest,
  action: (request: ProgramRequest) => Promise<T>,
): Promise<T> {
  try {
    return await action(request);
  } finally {
    request.secrets.wipe();
  }
}

export async function run(request: CommandRequest): Promise<never> {
  const prepared = await withSecrets(request, prepareStart);
  const { plan } = prepared;
  const tell = (text: string) => writeLine(2, printable(`run-foreign: ${plan.program}: ${text}`));
  const say = (text: string) => {
    if (request.report === true) tell(text);
  };
  if ('lost' in prepared) {
    for (const what of prepared.lost) tell(`goes on without ${what}`);
    sayResumption(prepared, say);
  } else {
    if (request.keep === true) keepStart(request, prepared);
    if (request.report === true) sayStart(prepared, say);
  }
  const listeners = {
    say,
    progress: request.progress ?? (() => {}),
    starting: clearForOthers,
    trace: request.trace,
  };
  return about(plan.program, () => startPlan(plan, listeners));
}

/** For `--verbose`: what is started, and how. */
export function sayStart({ plan, image }: PreparedProgram, say: (text: string) => void): void {
  if (vaultOf(plan)?.confidential === true) say('confidential: what it is is not said');
  else {
    say(`${image.format} (${image.variant}), ${image.arch}, entry ${hex(image.entry)}`);
    if (image.interpreter !== undefined) say(`interpreter ${image.interpreter.source.name}`);
  }
  for (const { what } of differencesFor(image.arch)) say(`not as execve makes it: ${what}`);
  say(`${plan.steps.length} steps, the stub stands at ${hex(plan.stub)}; run-foreign plan shows them`);
}

function sayResumption({ plan, image, notes }: PreparedResumption, say: (text: string) => void): void {
  if (vaultOf(plan)?.confidential === true) say('confidential: what it is is not said');
  else say(`${image.format} (${image.variant}), ${plan.threads.length} threads`);
  for (const note of notes) say(note);
  say(`${plan.steps.length} steps, the stub stands at ${hex(plan.stub)}; run-foreign plan shows them`);
}
