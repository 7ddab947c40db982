/** Uses of the library that are compiled and never run: types.test.ts. Each `@ts-expect-error` is an error if there is none. */
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  execForeign,
  type ForeignChild,
  ForeignError,
  type ForeignPlan,
  ForeignProcessError,
  type ForeignResult,
  LoadedImage,
  loadImage,
  planProgram,
  type SpawnForeignOptions,
  spawnForeign,
} from 'run-foreign';
import { defineLoader } from 'run-foreign/loader';

/** Compiles where both are the same type, and not only one a kind of the other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_Proof extends true>(): void {}

export async function children(options: SpawnForeignOptions): Promise<void> {
  const plain = await spawnForeign('name', ['a']);
  is<Same<typeof plain.stdout, ChildProcessWithoutNullStreams['stdout']>>();
  const asChild: ChildProcess = plain;
  const result = await plain.result;
  is<Same<typeof result, ForeignResult<string>>>();
  is<Same<typeof result.stdout, string | undefined>>();
  is<Same<typeof result.exitCode, number | undefined>>();

  const buffers = await (await spawnForeign('name', [], { encoding: 'buffer' })).result;
  is<Same<typeof buffers.stdout, Buffer | undefined>>();

  const settled = await (await spawnForeign('name', [], { reject: false })).result;
  is<Same<typeof settled, ForeignResult<string> | ForeignProcessError<string>>>();

  const silent = await spawnForeign('name', [], { stdio: 'ignore' });
  is<Same<typeof silent.stdout, ChildProcess['stdout']>>();
  const piped = await spawnForeign('name', [], { stdio: 'pipe' });
  piped.stdout.setEncoding('utf8');

  const any = await spawnForeign('name', [], options);
  is<Same<typeof any.stdin, ChildProcess['stdin']>>();
  const anyResult = await any.result;
  is<Same<typeof anyResult.stdout, string | Buffer | undefined>>();
  const named: ForeignChild = any;
  void [asChild, named];
}

export async function programs(image: LoadedImage): Promise<void> {
  await spawnForeign(new URL('file:///bin/true'));
  await spawnForeign(new Uint8Array(4), [], { name: 'four' });
  await spawnForeign(image, ['a'], { argv0: 'b', env: { A: '1', B: undefined }, cwd: '/', uid: 0, gid: 0 });
  await spawnForeign('a', [], {
    detached: true,
    signal: AbortSignal.timeout(1),
    timeout: 1,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'inherit', 3, process.stderr, 'pipe'],
    windowsHide: true,
    loaderOptions: { flat: { base: 0x1000n, arch: 'i386' } },
    network: { sha256: '00', verifyKey: 'RW' },
    format: 'elf',
    maxSize: 1,
    maxBuffer: 1,
  });
  const loader = defineLoader({
    name: 'x',
    apiVersion: 1,
    kind: 'program',
    description: '',
    magics: [],
    probe: () => null,
    load: () => {
      throw new ForeignError('UNSUPPORTED', 'x');
    },
  });
  await using loaded = await loadImage('name', { loaders: [loader] });
  const plan: ForeignPlan = await planProgram(loaded, ['a'], { env: {} });
  const text: string = plan.text;
  const never: Promise<never> = execForeign(loaded, [], { cwd: '/' });
  void [text, never];
}

export async function errors(): Promise<void> {
  try {
    await spawnForeign('name');
  } catch (error) {
    if (error instanceof ForeignProcessError) {
      is<Same<typeof error.failed, true>>();
      is<Same<typeof error.shortMessage, string>>();
    }
    if (error instanceof ForeignError && error.code === 'PROGRAM_NOT_FOUND') return;
    // @ts-expect-error there is no such code
    if (error instanceof ForeignError && error.code === 'NO_SUCH_CODE') return;
  }
}

export function wrong(image: LoadedImage): void {
  // @ts-expect-error a program is no number
  spawnForeign(1);
  // @ts-expect-error arguments are strings
  spawnForeign('a', [1]);
  // @ts-expect-error there is no such option
  spawnForeign('a', [], { timeOut: 1 });
  // @ts-expect-error no shell
  spawnForeign('a', [], { shell: true });
  // @ts-expect-error no ipc
  spawnForeign('a', [], { stdio: 'ipc' });
  // @ts-expect-error nor among others
  spawnForeign('a', [], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
  // @ts-expect-error another encoding
  spawnForeign('a', [], { encoding: 'latin1' });
  // @ts-expect-error a result may have no output
  spawnForeign('a').then(async (child) => (await child.result).stdout.length);
  // @ts-expect-error handles come from loadImage
  new LoadedImage();
  // @ts-expect-error what a handle is cannot be changed
  image.format = 'x';
  // @ts-expect-error secrets are no file
  loadImage('a', { secrets: 'key.txt' });
}
