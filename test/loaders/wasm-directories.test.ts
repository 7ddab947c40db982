/** Which directories a WASI command sees, and under which names. */
import { mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nativeDirectories, parseDirectory } from '../../loaders/wasm/directories.ts';
import { temporary } from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());
const cwd = realpathSync(directory.path);
test.each([
  ['/srv', ['/srv', '/srv']],
  ['.::/data', ['/data', '.']],
  ['/a::b::c', ['b::c', '/a']],
] as const)('%s', (text, pair) => {
  expect(parseDirectory(text)).toEqual(pair);
});

describe('unless told otherwise', () => {
  test('the current one is the first, and there by its path, too', () => {
    const directories = nativeDirectories(cwd);
    expect(Object.entries(directories)[0]).toEqual(['.', cwd]);
    expect(directories).toMatchObject({ [cwd]: cwd });
  });

  test('those above it are there, up to the root', () => {
    const directories = nativeDirectories(cwd);
    expect(directories).toMatchObject({ '..': dirname(cwd) });
    const depth = cwd.split('/').length - 1;
    expect(directories).toMatchObject({ [Array(depth).fill('..').join('/')]: '/' });
    expect(directories).not.toHaveProperty([
      Array(depth + 1)
        .fill('..')
        .join('/'),
    ]);
  });

  test('those of the root are there, but where a relative path would be taken for one', () => {
    mkdirSync(join(cwd, 'usr'));
    const directories = nativeDirectories(cwd);
    expect(Object.keys(directories)).not.toContain('/usr');
    expect(directories).toMatchObject({ '/etc': '/etc' });
    expect(Object.keys(directories)).not.toContain('/');
  });

  test('in the root there is nothing else', () => {
    expect(nativeDirectories('/')).toEqual({ '.': '/' });
  });
});
