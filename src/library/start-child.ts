/** One start of a loaded program, by child_process.spawn. */
import { type ChildProcess, spawn } from 'node:child_process';
import { ForeignError } from '../errors.ts';
import type { Startable } from '../launch/starter.ts';
import { cString, environmentBytes } from './invocation.ts';
import type { Program } from './program.ts';
import type { ForeignStdio, SpawnForeignOptions, StdioEntry } from './spawn.ts';

/** Throws ForeignError where the process could not be made, TypeError for options that Node refuses, and what planning does. */
export async function startChild(
  program: Program,
  args: readonly Uint8Array[],
  options: SpawnForeignOptions,
): Promise<ChildProcess> {
  const { argv0, signal } = options;
  const stdio = stdioEntries(options.stdio);
  const argv = program.argv(argv0 === undefined ? undefined : cString(argv0, 'options.argv0'), args);
  const startable = await program.starter.startable({
    name: program.name,
    argv,
    envp: environmentBytes(options),
    stdio: stdio.length,
  });
  let child: ChildProcess;
  try {
    signal?.throwIfAborted();
    child = spawnStartable(startable, stdio, options);
  } finally {
    startable.release();
  }
  if (child.pid !== undefined) return child;
  const cause = await new Promise((resolve) => child.once('error', resolve));
  for (const stream of child.stdio) stream?.destroy();
  throw startError(cause, options);
}

/**
 * Always called from a microtask: Node tells a child's first events when all of those are done, and by then whoever awaits
 * the promise has the child.
 */
function spawnStartable(
  { file, argv0, args, env, descriptors }: Startable,
  stdio: readonly StdioEntry[],
  options: SpawnForeignOptions,
): ChildProcess {
  const { cwd, detached, uid, gid, signal, killSignal } = options;
  try {
    const child = spawn(file, args, {
      argv0,
      env,
      stdio: [...stdio, ...descriptors],
      ...(cwd !== undefined && { cwd }),
      ...(detached !== undefined && { detached }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      ...(signal !== undefined && { signal }),
      ...(killSignal !== undefined && { killSignal }),
    });
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
