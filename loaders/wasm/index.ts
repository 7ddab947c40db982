/**
 * WebAssembly modules that are commands of WASI preview 1: a Node of their own runs them, the one that runs us, with its
 * node:wasi. https://github.com/WebAssembly/WASI, legacy/application-abi.md.
 */
import { defineLoader, ForeignError, type Source, startsWith } from 'run-foreign/loader';
import { MAGIC, readFaces, readVersion } from './module.ts';
import { RUNNER_FILE } from './runner-file.ts';

/** What node:wasi has. */
const WASI = ['wasi_snapshot_preview1', 'wasi_unstable'];
/** Names in a message. */
const MOST_SHOWN = 4;

export const wasm = defineLoader({
  name: 'wasm',
  apiVersion: 1,
  kind: 'program',
  description: 'WebAssembly commands for WASI preview 1, which Node runs',
  magics: [{ offset: 0, bytes: MAGIC, name: 'WebAssembly' }],
  options: {
    dir: {
      type: 'text',
      help: 'directories that it may see, HOST or HOST::GUEST, with commas between; empty for none',
    },
  },
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },
  async load(source, { options, argv }) {
    await requireCommand(source);
    if (typeof Reflect.get(globalThis, 'WebAssembly') !== 'object') {
      throw new ForeignError('MACHINE_REFUSED', 'cannot be run here: WebAssembly is not allowed', {
        hint: 'it needs memory that is writable and executable',
      });
    }
    const directories = options.dir === undefined ? ['--native-dirs'] : directoryArguments(options.dir);
    // A #! line may lie before it.
    const offset = `--offset=${source.file?.offset ?? 0}`;
    const args = ['--disable-warning=ExperimentalWarning', RUNNER_FILE, offset, ...directories, '--'];
    return {
      kind: 'interpreter',
      path: Buffer.from(process.execPath),
      args: [...args.map((arg) => Buffer.from(arg)), argv[0] ?? Buffer.from(source.name)],
    };
  },
});

function directoryArguments(option: string): string[] {
  return option
    .split(',')
    .filter((each) => each !== '')
    .map((each) => `--dir=${each}`);
}

/** Throws UNSUPPORTED for what is no WASI command, and says what it is. */
async function requireCommand(source: Source): Promise<void> {
  const { layer } = await readVersion(source);
  if (layer !== 0) {
    throw new ForeignError('UNSUPPORTED', 'is a WebAssembly component, and Node runs modules only', {
      hint: 'run it with wasmtime, or build it for WASI preview 1',
    });
  }
  const { imports, exports } = await readFaces(source);
  const others = [...new Set(imports.map(({ module }) => module))].filter((module) => !WASI.includes(module));
  if (others.length > 0) {
    const shown = others.slice(0, MOST_SHOWN).map((each) => JSON.stringify(each.slice(0, 64)));
    throw unsupported(`imports from ${shown.join(', ')}, which a host of its own must provide`);
  }
  if (WASI.every((each) => imports.some(({ module }) => module === each)))
    throw unsupported('imports from two versions of WASI at once');
  if (exports.get('_start') !== 'function') {
    const kind = exports.has('_initialize') ? 'a reactor' : 'a library';
    throw unsupported(`is ${kind}, which has no _start for a program to begin with`);
  }
  if (exports.has('_initialize')) throw unsupported('has an _initialize beside its _start');
  if (exports.get('memory') !== 'memory') throw unsupported('exports no memory, through which WASI works');
}

function unsupported(what: string): ForeignError {
  return new ForeignError('UNSUPPORTED', `is a WebAssembly module that ${what}`, {
    hint: 'only commands of WASI preview 1 can be run',
  });
}
