/** Loaders from elsewhere that claim the same file: who gets it, and who is asked which one is meant. */
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMAND, quote, sh, temporary } from '../support/run.ts';
import {
  expectFailure,
  loaderWriter,
  plainLoader,
  runAt,
  shellLoader,
  TOY_LOADER,
  TOY_RUN,
  toyProgram,
  wrappedShell,
  writeFiles,
} from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);
const cwd = directory.path;
writeFiles(cwd, { prog: toyProgram(), shell: wrappedShell() });
const written = loaderWriter(cwd);

describe('two loaders that claim a file', () => {
  const verdict = (name: string, text: string) => written(plainLoader(name, `probe: () => ${text}`), 'js');

  test.each(["'exact'", "'likely'"])(
    'as %s are an error that names both and says how to choose',
    async (text) => {
      const loaders = ['--loader', verdict('one', text), '--loader', verdict('two', text)];
      const outcome = await runAt({ cwd }, ...loaders, './prog');
      const line =
        'run-foreign: ./prog: is claimed by the loaders one and two; say which with --format one\n';
      expectFailure(outcome, line, 126);
      const chosen = await runAt({ cwd }, ...loaders, '--format', 'two', './prog');
      expect(chosen.stderr).toContain('the loader two was asked');
    },
  );

  test('are none when one is sure', async () => {
    const loaders = ['--loader', verdict('guess', "'likely'"), '--loader', verdict('sure', "'exact'")];
    expect((await runAt({ cwd }, ...loaders, './prog')).stderr).toContain('the loader sure was asked');
  });

  test('--format chooses among wrappers, for them and not for what is in them', async () => {
    const other = shellLoader().replace("name: 'wrapped'", "name: 'other'");
    const loaders = ['--loader', written(shellLoader()), '--loader', written(other)];
    const start = (...options: string[]) =>
      runAt({ cwd }, ...loaders, ...options, './shell', '-c', 'echo started');
    expectFailure(await start(), 'is claimed by the loaders wrapped and other', 126);
    for (const name of ['wrapped', 'other'])
      expect(await start('--format', name)).toEqual({ status: 0, stdout: 'started\n', stderr: '' });
  });

  test('a probe that changes what it reads changes it for nobody else', async () => {
    const spoiling = plainLoader('spoiler', 'probe(source) { source.read(0, 4).fill(0); return null; }');
    const loaders = ['--loader', written(spoiling, 'js'), '--loader', written(TOY_LOADER)];
    // From a pipe, so that all read the same memory.
    const piped = await sh(`cat prog | ${quote(COMMAND)} ${loaders.join(' ')} -`, [], {
      cwd,
      env: { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`, HOME: cwd },
    });
    expect(piped).toEqual(TOY_RUN);
  });
});
