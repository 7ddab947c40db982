/**
 * Builds dist/: the launcher, the command as two scripts, the library as ES modules and as CommonJS, with its types. The same
 * sources give the same bytes, wherever they lie; test/package/contents.test.ts has what goes to users.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { ajv } from './loaders/manifest/decoder.ts';
import schema from './loaders/manifest/schema.json' with { type: 'json' };
import { cacheFile, SCRIPT_NAMES, type ScriptName, scriptFile } from './src/bin/script.ts';
import { buildCommandScripts } from './src/build/command-scripts.ts';
import { notices } from './src/build/licenses.ts';
import { bundledPackages, installedPackages } from './src/build/packages.ts';
import { sbom } from './src/build/sbom.ts';
import { finishTypes } from './src/build/types.ts';
import { configSchema } from './src/cli/config/schema.ts';
import { manPage } from './src/cli/man/man-page.ts';
import { emitLauncher } from './src/launcher/launcher.ts';
import { BINFMT_SUFFIX } from './src/launcher/protocol.ts';
import { BUILD_ID } from './src/launcher/start-file.ts';

/**
 * Decoders and encoders that few programs need: WebAssembly in base64 and large packages, which would lengthen every start. Each is a
 * bundle of its own that is loaded when its loader asks for it.
 */
const CODERS = {
  'age-decoder': 'loaders/age/decoder.ts',
  'xz-decoder': 'loaders/xz/decoder.ts',
  'zstd-decoder': 'loaders/zstd/decoder.ts',
  'zstd-encoder': 'loaders/zstd/encoder.ts',
};

/** What is loaded only when it is needed: coders, and the import() that is in no cache. */
const loadedAside: Plugin = {
  name: 'loaded aside',
  setup(build) {
    const aside = 'aside';
    build.onResolve({ filter: /\/(de|en)coder\.ts$/ }, ({ path, importer }) => ({
      path: coderFile(path, importer),
      namespace: aside,
    }));
    build.onResolve({ filter: /\/import-module\.ts$/ }, () => ({
      path: './import-module.cjs',
      namespace: aside,
    }));
    build.onResolve({ filter: /\.cjs$/, namespace: aside }, ({ path }) => ({ path, external: true }));
    // require, because for an import() Node prepares its loader of ES modules first: 8 ms of a start.
    build.onLoad({ filter: /./, namespace: aside }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }));
  },
};

/** The same files for ES modules, which import them: Node finds the names of their exports. */
const importedAside: Plugin = {
  name: 'imported aside',
  setup(build) {
    build.onResolve({ filter: /\/(de|en)coder\.ts$/ }, ({ path, importer }) => ({
      path: coderFile(path, importer),
      external: true,
    }));
  },
};

const coderFile = (path: string, importer: string): string =>
  `./${basename(dirname(importer))}-${basename(path, '.ts')}.cjs`;

/** Of yargs only the parser is taken, which needs nothing of what the rest wants of Node; the rest is left out. */
const onlyParser: Plugin = {
  name: 'only the parser',
  setup(build) {
    const namespace = 'left out';
    build.onResolve({ filter: /^\.\.\// }, ({ path, importer }) =>
      importer.endsWith('/yargs/helpers/helpers.mjs') ? { path, namespace, sideEffects: false } : undefined,
    );
    build.onLoad({ filter: /./, namespace }, () => ({
      contents: 'export default undefined; export const applyExtends = undefined, hideBin = undefined;',
    }));
  },
};

/** Node has these from its own start. */
const LOADED_BY_NODE = new Set(['node:fs', 'node:path', 'node:url', 'node:buffer']);

/** Node's other modules are loaded when something of them is used. */
const lazyBuiltIns: Plugin = {
  name: 'lazy built-ins',
  setup(build) {
    const [lazy, eager] = ['lazy built-in', 'built-in'];
    build.onResolve({ filter: /^node:/ }, ({ path, pluginData }) =>
      LOADED_BY_NODE.has(path) || pluginData === eager ? { path, external: true } : { path, namespace: lazy },
    );
    build.onLoad({ filter: /./, namespace: lazy }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}() { return load().${name} }`);
      return {
        contents: `const load = () => require(${JSON.stringify(path)});\nmodule.exports = { ${getters.join(',')} };`,
        pluginData: eager,
      };
    });
  },
};

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // They bring a native library and a program; vitest is the plugin author's own.
  external: ['koffi', 'esbuild', 'vitest'],
  legalComments: 'eof',
  logLevel: 'warning',
  metafile: true,
};

/** Other people's code, which is read faster when it is short. */
const packages: BuildOptions = { ...common, minifyWhitespace: true, minifySyntax: true };

/** What a module asks for its own place, in files that are no ES modules. */
const ownDirectory: BuildOptions['define'] = {
  'import.meta.dirname': '__dirname',
  'import.meta.filename': '__filename',
};

/** elfy's assert, see there. */
const withElfy: BuildOptions = { ...common, alias: { assert: './loaders/elf/assert.ts' } };

/** Enough for V8 to come to the same twice in a row; else the last is taken, which is as good for everything but comparing. */
const MOST_TRIES = 8;

/** Starts that need all of a script that users often need. */
const TYPICAL = { command: [process.execPath], further: ['--max-size=1G', process.execPath] };

/** Built aside and then renamed, so that nobody runs half a command. */
const OUT = 'dist.new';

rmSync(OUT, { recursive: true, force: true });
const bundles = await Promise.all([
  ...Object.entries(CODERS).map(([name, file]) =>
    build({
      ...packages,
      entryPoints: [file],
      outfile: `${OUT}/${name}.cjs`,
      format: 'cjs',
      // zstddec would fetch its own bytes from a data: URL, for which Node loads its whole HTTP client.
      define: { ...ownDirectory, fetch: 'undefined' },
    }),
  ),
  // Of ajv only what it makes of the schema is needed: a tenth of its size, and nothing is compiled at a start.
  build({
    ...common,
    stdin: { contents: standaloneCode.default(ajv, { validate: schema.$id }), resolveDir: '.' },
    outfile: `${OUT}/manifest-decoder.cjs`,
    format: 'cjs',
    // For Node, as esbuild says of other files what they export.
    footer: { js: '0 && (module.exports = { validate });' },
  }),
  build({
    ...common,
    entryPoints: ['loaders/age/worker.ts'],
    outfile: `${OUT}/age-worker.cjs`,
    format: 'cjs',
  }),
  build({
    ...common,
    entryPoints: ['loaders/wasm/runner.ts'],
    outfile: `${OUT}/wasi-runner.cjs`,
    format: 'cjs',
  }),
  build({
    ...common,
    entryPoints: ['src/plugins/watchdog-worker.ts'],
    outfile: `${OUT}/watchdog.cjs`,
    format: 'cjs',
    define: ownDirectory,
  }),
  build({
    ...common,
    entryPoints: ['src/plugins/import-module.ts'],
    outfile: `${OUT}/import-module.cjs`,
    format: 'cjs',
  }),
  build({
    ...packages,
    entryPoints: ['src/bin/run-foreign.ts'],
    outfile: `${OUT}/run-foreign.cjs`,
    format: 'cjs',
    define: ownDirectory,
  }),
  build({
    ...packages,
    entryPoints: ['src/bin/make-cache.ts'],
    outfile: `${OUT}/make-cache.cjs`,
    format: 'cjs',
    define: ownDirectory,
  }),
  // Node 20 cannot require ES modules.
  build({
    ...withElfy,
    plugins: [loadedAside],
    entryPoints: { index: 'src/index.ts', loader: 'src/loader/index.ts' },
    outdir: OUT,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    define: ownDirectory,
  }),
  build({
    ...withElfy,
    plugins: [importedAside],
    entryPoints: { index: 'src/index.ts', loader: 'src/loader/index.ts', testkit: 'src/testkit/index.ts' },
    outdir: OUT,
    format: 'esm',
    splitting: true,
    // elfy is CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
  }),
  buildCommandScripts(OUT, {
    ...withElfy,
    plugins: [onlyParser, loadedAside, lazyBuiltIns],
    format: 'cjs',
    // For yargs, which makes a require() of it.
    define: { ...ownDirectory, 'import.meta.url': '__filename' },
    minify: true,
    // For those who read a stack of RUN_FOREIGN_VERBOSE; no start opens it.
    sourcemap: 'external',
    sourcesContent: false,
    // What V8 has from a cache has no import().
    supported: { 'dynamic-import': false },
  }),
]);
const bundled = bundledPackages(bundles.flat().flatMap(({ metafile }) => metafile ?? []));
writeFileSync(`${OUT}/THIRD-PARTY-LICENSES`, notices(bundled));
writeFileSync(`${OUT}/sbom.cdx.json`, sbom(bundled, installedPackages()));
cpSync('src/cli/new-loader/package', `${OUT}/new-loader`, { recursive: true });
cpSync('src/cli/completion/scripts', `${OUT}/completion`, { recursive: true });
copyFileSync('loaders/manifest/schema.json', `${OUT}/manifest.schema.json`);
writeFileSync(`${OUT}/config.schema.json`, `${JSON.stringify(configSchema(), null, 2)}\n`);
writeFileSync(`${OUT}/run-foreign.1`, manPage());
const buildId = setBuildId();
writeFileSync(`${OUT}/run-foreign`, emitLauncher(buildId), { mode: 0o755 });
writeFileSync(`${OUT}/run-foreign${BINFMT_SUFFIX}`, emitLauncher(buildId, { forBinfmt: true }), {
  mode: 0o755,
});
makeCaches(buildId);
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', `${OUT}/types`], {
  stdio: 'inherit',
});
finishTypes(OUT);
rmSync('dist', { recursive: true, force: true });
renameSync(OUT, 'dist');

/** Puts the digest of the command into it, and returns that. */
function setBuildId(): string {
  const [command = '', ...others] = SCRIPT_NAMES.map((name) =>
    readFileSync(`${OUT}/${scriptFile(name)}`, 'latin1'),
  );
  if (!command.includes(BUILD_ID) || others.some((code) => code.includes(BUILD_ID)))
    throw new Error('the command has no place for its digest, or several');
  const digest = createHash('sha256')
    .update([command, ...others].join(''), 'latin1')
    .digest('hex');
  const id = digest.slice(0, BUILD_ID.length);
  writeFileSync(`${OUT}/${scriptFile('command')}`, command.replaceAll(BUILD_ID, id), 'latin1');
  return id;
}

/**
 * Compiled code of the command: a launcher starts any program, with the maker of caches where the command is. V8 hashes by
 * a seed, which users' processes choose themselves; a fixed one gives every build of the same sources the same bytes. Now and then,
 * on a machine that has much to do, V8 has compiled something else, so what two starts in a row agree on is taken.
 */
function makeCaches(buildId: string): void {
  const maker = `${OUT}/make-cache`;
  writeFileSync(maker, emitLauncher(buildId, { nodeOptions: ['--random-seed=1'] }), { mode: 0o755 });
  for (const name of SCRIPT_NAMES) makeCache(maker, name);
  rmSync(maker);
  rmSync(`${maker}.cjs`);
}

function makeCache(maker: string, name: ScriptName): void {
  // Of the caller's starts none is taken; this one is kept, so that what a first start does is compiled, too.
  const env = { PATH: process.env['PATH'], XDG_CACHE_HOME: resolve(OUT, 'cache') };
  const compile = () => {
    execFileSync(maker, TYPICAL[name], { stdio: 'inherit', env });
    rmSync(env.XDG_CACHE_HOME, { recursive: true, force: true });
    return readFileSync(`${OUT}/${cacheFile(name)}`);
  };
  let last = compile();
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const next = compile();
    if (next.equals(last)) break;
    last = next;
  }
}
