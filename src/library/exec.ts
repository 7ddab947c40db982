/** Becoming a program. */
import { isMainThread } from 'node:worker_threads';
import { about, ForeignError } from '../errors.ts';
import { shownName } from '../launch/names.ts';
import { planStart } from '../launch/prepare.ts';
import { startPlan } from '../launch/start.ts';
import type { Secrets } from '../loader/contract.ts';
import { hostFacts } from '../native/host-facts.ts';
import { seclude } from '../native/seclude.ts';
import { type ForeignProgram, heldProgram } from './acquire.ts';
import { argumentBytes, cString, directoryBytes, environmentBytes } from './invocation.ts';
import { LoadedImage } from './loaded-image.ts';
import { openForeign } from './open.ts';
import type { LoadOptions } from './options.ts';

/**
 * Becomes a program: this process, with its PID and its standard streams, goes on as the program, and nothing of Node is left of
 * it. All threads end, no `exit` event is told, and what was not yet written is lost.
 *
 * The promise never resolves. It rejects with a ForeignError when the program cannot be started, and everything is as it was
 * before, with one exception: from the moment on at which keys are read for a program that is to be confidential, nobody but
 * the superuser may look into this process (PR_SET_DUMPABLE).
 *
 * ```js become.mjs
 * import { execForeign } from 'run-foreign';
 *
 * await execForeign('echo', ['this process is no Node any more']);
 * ```
 *
 * ```console
 * $ node become.mjs
 * this process is no Node any more
 * ```
 */
export async function execForeign(
  program: ForeignProgram,
  args: readonly string[] = [],
  options: LoadOptions = {},
): Promise<never> {
  const argv = argumentBytes(args);
  const argv0 = options.argv0 === undefined ? undefined : cString(options.argv0, 'options.argv0');
  // Before a key is read: afterwards this process may not open some of its own files in /proc.
  const host = hostFacts();
  const held =
    program instanceof LoadedImage
      ? heldProgram(program)
      : await openForeign(program, secludingOptions(options), { args: argv, secluded: true });
  const cwd = directoryBytes(options);
  let back: string | undefined;
  try {
    const loaded = { ...held.loaded, argv: held.argv(argv0, argv) };
    const { trace } = options;
    const plan = await planStart(loaded, { name: held.name, envp: environmentBytes(options), trace }, host);
    const vault = program instanceof LoadedImage ? await held.starter.filledVault(plan) : undefined;
    const starting = () => {
      back = changeDirectory(cwd);
    };
    return await about(shownName(held.name), () =>
      startPlan(plan, { say() {}, progress() {}, starting, trace }, vault),
    );
  } catch (cause) {
    if (back !== undefined) process.chdir(back);
    held.release();
    throw cause;
  }
}

/** Nobody looks into this process once it has keys. */
function secludingOptions(options: LoadOptions): LoadOptions {
  const { secrets, confidential = true } = options;
  if (secrets === undefined || !confidential) return options;
  const secluded: Secrets = {
    async identities() {
      seclude();
      return secrets.identities();
    },
    async passphrase(purpose) {
      seclude();
      return secrets.passphrase(purpose);
    },
  };
  return { ...options, secrets: secluded };
}

/** Returns where this process was. Throws USAGE. */
function changeDirectory(cwd: Buffer | undefined): string | undefined {
  if (cwd === undefined) return undefined;
  const directory = cwd.toString();
  if (!isMainThread)
    throw new ForeignError(
      'USAGE',
      'options.cwd: a worker thread cannot change the directory of its process',
    );
  const before = process.cwd();
  try {
    process.chdir(directory);
    return before;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new ForeignError('USAGE', `options.cwd: ${directory} cannot be entered: ${why}`, { cause });
  }
}
