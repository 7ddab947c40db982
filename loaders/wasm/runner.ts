/**
 * Runs a WASI command; the build makes it dist/wasi-runner.cjs. Its arguments are `--offset=BYTES` (where in the file
 * the module begins), `--native-dirs` or any number of
 * `--dir=HOST[::GUEST]`, `--`, argv[0], the file, and what the program gets. Standard streams are left to WASI: a stream
 * of Node's would change how the caller's are read and written.
 */
import { readFileSync, writeSync } from 'node:fs';
import { WASI } from 'node:wasi';
import { nativeDirectories, type Preopens, parseDirectory } from './directories.ts';

/** What Node's types leave out. */
interface WebAssemblyNamespace {
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): { module: string }[] };
  readonly Instance: new (module: object, imports: object) => object;
  readonly RuntimeError: new () => Error;
}

const CANNOT_RUN = 126;
/** What a shell shows of a program that was aborted, and wasmtime's status for a trap. */
const TRAPPED = 134;

const wasm = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyNamespace;

function fail(file: string, message: string, status: number): never {
  writeSync(2, `run-foreign: ${file}: ${message.replace(/\p{Cc}/gu, ' ')}\n`);
  process.exit(status);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs `action`; whatever it throws is a reason why the program cannot be started. */
function before<T>(file: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(file, `${what}: ${messageOf(error)}`, CANNOT_RUN);
  }
}

function main(words: readonly string[]): void {
  const count = words.indexOf('--');
  const [argv0 = '', file = '', ...args] = words.slice(count + 1);
  const [offset = '', ...options] = words.slice(0, count);
  const start = Number(offset.slice('--offset='.length));
  const module = before(
    file,
    'is no WebAssembly that Node can run',
    () => new wasm.Module(readFileSync(file).subarray(start)),
  );
  const unstable = wasm.Module.imports(module).some((each) => each.module === 'wasi_unstable');
  const wasi = before(file, 'its directories cannot be opened', () => {
    const preopens: Preopens = options.includes('--native-dirs')
      ? nativeDirectories(process.cwd())
      : Object.fromEntries(options.map((option) => parseDirectory(option.slice('--dir='.length))));
    const version = unstable ? 'unstable' : 'preview1';
    return new WASI({ version, args: [argv0, ...args], env: process.env, preopens, returnOnExit: true });
  });
  const imports = { [unstable ? 'wasi_unstable' : 'wasi_snapshot_preview1']: wasi.wasiImport };
  const instance = before(file, 'cannot be linked', () => new wasm.Instance(module, imports));
  process.exit(runUntilTrap(file, () => wasi.start(instance)));
}

/** The exit status. A trap ends the program as wasmtime has it end. */
function runUntilTrap(file: string, start: () => number): number {
  try {
    return start();
  } catch (error) {
    const overflow = error instanceof RangeError;
    if (!overflow && !(error instanceof wasm.RuntimeError)) throw error;
    const what = overflow ? 'call stack exhausted' : error.message;
    const at = /wasm-function\[\d+\][^)\s]*/.exec(error.stack ?? '')?.[0];
    return fail(file, `trap: ${what}${at === undefined ? '' : ` (in ${at})`}`, TRAPPED);
  }
}

main(process.argv.slice(2));
