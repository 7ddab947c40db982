/**
 * The command as two scripts, `command` and `further` (src/bin/script.ts): what a plain start needs, and what its modules ask for by
 * import(). V8 reads the second only when something of it is asked for. Every module is in one of the two: the first hands the second
 * what they share.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';
import { scriptFile } from '../bin/script.ts';

/** esbuild follows links, where the sources are some. */
const ROOT = dirname(realpathSync('src'));
const ENTRY = 'src/bin/command.ts';
/** Modules that are in one of them only. What else there is keeps nothing in mind, and may be in both. */
const OWN = /^(src|loaders)\/.*\.ts$/;
/** The first script's own function that gives a module of the second; it gets there by the banner. */
const FURTHER = 'further';

/** Builds both into `directory`. */
export async function buildCommandScripts(directory: string, options: BuildOptions): Promise<BuildResult[]> {
  const asked = new Set<string>();
  const plain = await build({
    ...options,
    ...withPlugin(options, askedFor(asked)),
    entryPoints: [ENTRY],
    outdir: directory,
    write: false,
    metafile: true,
  });
  const first = await exportsOf(Object.keys(plain.metafile.inputs));
  const twice = [...asked].find((path) => first.has(path));
  if (twice !== undefined)
    throw new Error(`${twice} is asked for by import(), and imported by a plain start`);

  const shared = new Set<string>();
  const further = await build({
    ...options,
    stdin: { contents: entriesOf(asked), resolveDir: ROOT },
    outfile: `${directory}/${scriptFile('further')}`,
    ...withPlugin(options, takenFrom(first, shared)),
    banner: { js: '(function (require, __dirname, __filename, shared) { const module = { exports: {} };' },
    footer: { js: 'return module.exports; })' },
  });
  const command = await build({
    ...options,
    entryPoints: [ENTRY],
    outfile: `${directory}/${scriptFile('command')}`,
    ...withPlugin(options, askedFor(asked), handedOn([...shared].sort(), first)),
    banner: {
      js:
        '(function (require, __dirname, __filename, load) { let modules;' +
        `const ${FURTHER} = (path) => (modules ??= load(${FURTHER}.shared()))[path]();`,
    },
    footer: { js: '})' },
  });
  return [command, further];
}

const withPlugin = ({ plugins = [] }: BuildOptions, ...more: Plugin[]): BuildOptions => ({
  plugins: [...plugins, ...more],
});

/** By its path from the root of the sources, wherever those are built. */
const pathOf = (resolveDir: string, path: string): string => relative(ROOT, resolve(resolveDir, path));

/** What an import() asks for is the second script's; `asked` gets its path. */
function askedFor(asked: Set<string>): Plugin {
  return {
    name: 'asked for',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, resolveDir, path: given }) => {
        if (kind !== 'dynamic-import') return undefined;
        const path = pathOf(resolveDir, given);
        asked.add(path);
        return { path, namespace: 'asked for' };
      });
      build.onLoad({ filter: /./, namespace: 'asked for' }, ({ path }) => ({
        contents: `module.exports = ${FURTHER}(${JSON.stringify(path)});`,
      }));
    },
  };
}

/** The second script's answers, by path. */
const entriesOf = (asked: ReadonlySet<string>): string =>
  `module.exports = { ${[...asked]
    .sort()
    .map((path) => `${JSON.stringify(path)}: () => require('./${path}')`)
    .join(', ')} };`;

/** Names that each of those which are our own exports. */
async function exportsOf(inputs: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const { metafile } = await build({
    entryPoints: inputs.filter((path) => OWN.test(pathOf('.', path))),
    outdir: '.',
    format: 'esm',
    write: false,
    metafile: true,
  });
  const outputs = Object.values(metafile.outputs);
  return new Map(outputs.map(({ entryPoint = '', exports }) => [pathOf('.', entryPoint), exports]));
}

/** Modules of the first script in the second; `shared` gets the paths of those that are asked for. */
function takenFrom(first: ReadonlyMap<string, readonly string[]>, shared: Set<string>): Plugin {
  return {
    name: 'taken from the first',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ resolveDir, path: given }) => {
        const path = pathOf(resolveDir, given);
        if (!first.has(path)) return undefined;
        shared.add(path);
        return { path, namespace: 'taken' };
      });
      build.onLoad({ filter: /./, namespace: 'taken' }, ({ path }) => ({
        contents: `export const { ${first.get(path)?.join(', ')} } = shared[${JSON.stringify(path)}];`,
      }));
    },
  };
}

/** A module that is evaluated before all others, and tells the second script of them when it is asked. */
function handedOn(shared: readonly string[], first: ReadonlyMap<string, readonly string[]>): Plugin {
  return {
    name: 'handed on',
    setup(build) {
      build.onLoad({ filter: /\/src\/bin\/command\.ts$/ }, ({ path }) => ({
        contents: `import 'handed on'; ${readFileSync(path, 'utf8')}`,
        loader: 'ts',
      }));
      build.onResolve({ filter: /^handed on$/ }, ({ path }) => ({ path, namespace: path }));
      build.onLoad({ filter: /./, namespace: 'handed on' }, () => {
        // Of another name in each module, where two modules export the same.
        const modules = shared.map((path, index) => {
          const own = (first.get(path) ?? []).map((name) => ({ name, here: `${name}_${index}` }));
          return {
            imports: `import { ${own.map(({ name, here }) => `${name} as ${here}`).join(', ')} } from './${path}';`,
            entry: `${JSON.stringify(path)}: { ${own.map(({ name, here }) => `${name}: ${here}`).join(', ')} }`,
          };
        });
        const contents = `${modules.map(({ imports }) => imports).join('\n')}
          ${FURTHER}.shared = () => ({ ${modules.map(({ entry }) => entry).join(',\n')} });`;
        return { contents, resolveDir: ROOT };
      });
    },
  };
}
