/** One start of a loaded program, by child_process.spawn. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { ForeignError } from '../errors.ts';
import type { PreparedStart } from '../launch/lasting.ts';
import { argumentBytes, checkString, cString, environmentBytes } from './invocation.ts';
import type { Program } from './program.ts';
import { environmentWith } from './program-text.ts';
import type { ForeignStdio, SpawnForeignOptions, StdioEntry } from './spawn-types.ts';

/** How spawn is to be called. */
interface Call extends PreparedStart {
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv | undefined;
}

const NOTHING = {};

/** Throws ForeignError where the process could not be made, TypeError for options that Node refuses, and what planning does. */
export async function startChild(
  program: Program,
  args: readonly string[],
  options: SpawnForeignOptions,
): Promise<ChildProcess> {
  const stdio = stdioEntries(options.stdio);
  const call =
    (await preparedCall(program, args, options, stdio.length)) ??
    (await plannedCall(program, args, options, stdio.length));
  let child: ChildProcess;
  try {
    options.signal?.throwIfAborted();
    child = spawnCall(call, stdio, options);
  } finally {
    call.release();
  }
  if (child.pid !== undefined) return child;
  const cause = await new Promise((resolve) => child.once('error', resolve));
  for (const stream of child.stdio) stream?.destroy();
  throw startError(cause, options);
}

/** The program gets what the stub is executed with. Undefined where each start needs a plan of its own. */
async function preparedCall(
  { text, name, starter }: Program,
  args: readonly string[],
  { argv0, env }: SpawnForeignOptions,
  stdio: number,
): Promise<Call | undefined> {
  if (text === undefined) return undefined;
  const lasting = await starter.lasting(name);
  if (lasting === undefined) return undefined;
  if (argv0 !== undefined) checkString(argv0, 'options.argv0');
  const { file, descriptors, release } = lasting.withStdio(stdio);
  return {
    file,
    descriptors,
    release,
    argv0: argv0 === undefined || text.fixed ? text.argv0 : argv0,
    args: text.args.length === 0 ? args : [...text.args, ...args],
    env: environmentWith(env, text),
  };
}

/** The program gets what its plan says, and the stub nothing. */
async function plannedCall(
  program: Program,
  args: readonly string[],
  options: SpawnForeignOptions,
  stdio: number,
): Promise<Call> {
  const { argv0 } = options;
  const argv = program.argv(
    argv0 === undefined ? undefined : cString(argv0, 'options.argv0'),
    argumentBytes(args),
  );
  const start = await program.starter.planned({
    name: program.name,
    argv,
    envp: environmentBytes(options),
    stdio,
  });
  return { ...start, args: [], env: NOTHING };
}

/**
 * Always called from a microtask: Node tells a child's first events when all of those are done, and by then whoever awaits
 * the promise has the child.
 */
function spawnCall(
  { file, argv0, args, env, descriptors }: Call,
  stdio: readonly StdioEntry[],
  options: SpawnForeignOptions,
): ChildProcess {
  const { cwd, detached, uid, gid, signal, killSignal } = options;
  try {
    const child = spawn(file, args, {
      argv0,
      env,
      stdio: [...stdio, ...descriptors],
      cwd,
      detached,
      uid,
      gid,
      signal,
      killSignal,
    } as SpawnOptions);
    // What was added for the start is nothing of the caller's.
    (child.stdio as unknown[]).length = stdio.length;
    return child;
  } catch (cause) {
    throw startError(cause, options);
  }
}

/** What Node throws and tells of a process that the kernel did not make; wrong options are the caller's to see as they are. */
function startError(cause: unknown, { cwd }: SpawnForeignOptions): unknown {
  const { syscall, code } = cause as NodeJS.ErrnoException;
  if (!syscall?.startsWith('spawn')) return cause;
  const where = cwd === undefined || code !== 'ENOENT' ? {} : { hint: `options.cwd is ${cwd}` };
  return new ForeignError(
    code === 'E2BIG' ? 'TOO_BIG' : 'MACHINE_REFUSED',
    `cannot be started as a child: ${code}`,
    { ...where, cause },
  );
}

function stdioEntries(stdio: ForeignStdio = 'pipe'): StdioEntry[] {
  const entries = typeof stdio === 'string' ? [stdio, stdio, stdio] : [...stdio];
  while (entries.length < 3) entries.push('pipe');
  return entries;
}
