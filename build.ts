/** Builds dist/: the launcher, the command as one CommonJS file, the library as ES modules with their types. */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { type BuildOptions, build } from 'esbuild';
import { emitLauncher } from './src/launcher/launcher.ts';

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Loaded at run time: koffi brings a native library, yargs is only needed by some commands.
  external: ['koffi', 'yargs', 'yargs/*'],
  alias: { assert: './loaders/elf/assert.ts' },
  legalComments: 'eof',
  logLevel: 'warning',
};

/** Built aside and then renamed, so that nobody runs half a command. */
const OUT = 'dist.new';

rmSync(OUT, { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/bin/run-foreign.ts'],
    outfile: `${OUT}/run-foreign.cjs`,
    format: 'cjs',
    minifySyntax: true,
  }),
  build({
    ...common,
    entryPoints: { index: 'src/index.ts', loader: 'src/loader/index.ts' },
    outdir: OUT,
    format: 'esm',
    splitting: true,
  }),
]);
writeFileSync(`${OUT}/run-foreign`, emitLauncher(), { mode: 0o755 });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', `${OUT}/types`], {
  stdio: 'inherit',
});
rmSync('dist', { recursive: true, force: true });
renameSync(OUT, 'dist');
