/** `run-foreign binfmt`: programs in our formats start by themselves, because binfmt_misc of the kernel starts us for them. */
import { loaderSettings } from '../loaders.ts';
import type { ParsedArguments } from '../options.ts';
import { usageError } from '../usage-error.ts';
import type { BinfmtContext } from './context.ts';

type Action = (context: BinfmtContext) => number | Promise<number>;

const ACTIONS: Readonly<Record<string, () => Promise<Action>>> = {
  register: async () => (await import('./register.ts')).register,
  unregister: async () => (await import('./unregister.ts')).unregister,
  status: async () => (await import('./status.ts')).status,
  print: async () => (await import('./print.ts')).print,
};

export async function binfmt(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  const hint = 'see run-foreign binfmt --help';
  const [action = '', ...names] = rest.map((each) => Buffer.from(each).toString());
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (load === undefined)
    throw usageError(
      action === '' ? 'binfmt needs to be told what to do' : `binfmt cannot '${action}'`,
      hint,
    );
  if (options.json && action !== 'status') throw usageError(`binfmt ${action} has no --json`, hint);
  if (options.now && options.root !== undefined)
    throw usageError('--now is about the kernel, and --root about files', hint);
  // What is written is everybody's to read. Once there are loaders from elsewhere, nobody changes it.
  process.umask(0o022);
  const act = await load();
  return act({ options, settings: await loaderSettings(options, envp), names });
}
