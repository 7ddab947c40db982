/** Starting programs as children. The child is started by child_process.spawn: all it does and gives is Node's. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { ForeignError, withSubject } from '../errors.ts';
import { acquire, type ForeignProgram, findKnown } from './acquire.ts';
import { argumentError, checkArguments } from './invocation.ts';
import { resultOf } from './result.ts';
import type { ForeignChild, SpawnForeignOptions } from './spawn-types.ts';
import { startChild } from './start-child.ts';
import { type End, watchEnd } from './watch-end.ts';

/** Refuses options that there are not. */
type Known<Options> = { readonly [Key in Exclude<keyof Options, keyof SpawnForeignOptions>]: never };

/**
 * Starts a program in any format as a child process. What the promise gives is the very object that child_process.spawn makes:
 * its streams, signals and events are Node's own, and no event is lost while the promise is awaited. In addition
 * it has `result`, a promise of how the program ended and what it wrote.
 *
 * A program that cannot be started rejects the promise with a ForeignError, and leaves nothing behind; an option that is wrong, with
 * the TypeError that child_process throws. A `signal` that is aborted already rejects it with the signal's reason.
 *
 * Programs that were started lately and have not changed since are neither loaded nor planned again.
 *
 * ```js children.mjs
 * import { spawnForeign } from 'run-foreign';
 *
 * const child = await spawnForeign('cat', ['-n'], { timeout: 10_000 });
 * child.stdin.end('one\ntwo\n');
 * const { exitCode, stdout } = await child.result;
 * console.log(exitCode, stdout.split('\n').length);
 *
 * const failing = await spawnForeign('sh', ['-c', 'exit 3']);
 * await failing.result.catch(({ exitCode, shortMessage }) => console.log(exitCode, shortMessage));
 * ```
 *
 * ```console
 * $ node children.mjs
 * 0 2
 * 3 Command failed with exit code 3: sh -c 'exit 3'
 * ```
 */
export async function spawnForeign<const Options extends SpawnForeignOptions = Record<never, never>>(
  program: ForeignProgram,
  args: readonly string[] = [],
  options?: Options & Known<Options>,
): Promise<ForeignChild<Options>> {
  const started = performance.now();
  const wishes: SpawnForeignOptions = options ?? {};
  checkOptions(wishes);
  checkArguments(args);
  wishes.signal?.throwIfAborted();
  const held = findKnown(program, wishes) ?? (await acquire(program, args, wishes));
  const { title } = held;
  let child: ChildProcess;
  try {
    child = await startChild(held, args, wishes);
  } catch (cause) {
    throw withSubject(cause, title);
  } finally {
    held.release();
  }
  return withResult(child, [title, ...args], wishes, started) as ForeignChild<Options>;
}

/** What is needed for the result, until somebody asks for it; then the result. */
const PENDING = Symbol('what the result is made of');

interface Pending {
  readonly command: readonly string[];
  readonly options: SpawnForeignOptions;
  readonly end: End;
  result: Promise<unknown> | undefined;
}

/** One for all children: V8 makes a shape of its own for each object with another. */
const RESULT: PropertyDescriptor = {
  configurable: true,
  get(this: ChildProcess & { [PENDING]: Pending }) {
    const pending = this[PENDING];
    pending.result ??= resultOf(this, pending.command, pending.options, pending.end);
    return pending.result;
  },
};

function withResult(
  child: ChildProcess,
  command: readonly string[],
  options: SpawnForeignOptions,
  started: number,
): ChildProcess {
  const { argv0 } = options;
  const named = child as { spawnfile: string; spawnargs: readonly string[] };
  named.spawnfile = command[0] ?? '';
  named.spawnargs = argv0 === undefined ? command : [argv0, ...command.slice(1)];
  const pending: Pending = { command, options, end: watchEnd(child, options, started), result: undefined };
  Object.defineProperty(child, PENDING, { value: pending });
  return Object.defineProperty(child, 'result', RESULT);
}

/** Throws ForeignError USAGE for what there is not, TypeError for what Node would refuse and is not asked for. */
function checkOptions(options: SpawnForeignOptions): void {
  const { shell, stdio } = options as SpawnOptions;
  if (shell !== undefined && shell !== false)
    throw new ForeignError(
      'USAGE',
      'options.shell: no shell stands between the caller and a foreign program',
      {
        hint: "start the shell itself: spawnForeign('sh', ['-c', …])",
      },
    );
  if (stdio === ('ipc' as string) || (Array.isArray(stdio) && stdio.includes('ipc')))
    throw new ForeignError(
      'USAGE',
      "options.stdio: 'ipc' needs a Node at the other end, and a foreign program is none",
      {
        hint: "give a 'pipe', and agree on what goes through it",
      },
    );
  const { timeout, encoding, maxBuffer } = options;
  checkCount('timeout', timeout);
  checkCount('maxBuffer', maxBuffer);
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer')
    throw argumentError("options.encoding must be 'utf8' or 'buffer'", 'ERR_INVALID_ARG_VALUE');
}

function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && !Number.isNaN(value))) return;
  throw argumentError(`options.${name} must be a number that is not negative`, 'ERR_OUT_OF_RANGE');
}
