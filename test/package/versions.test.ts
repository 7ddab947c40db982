/** Two versions of run-foreign and one home: what one of them keeps there the other does not take. */
import { chmodSync, copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildIdOf, NEXT, openShop, type Shop } from '../support/installed.ts';
import { settle } from '../support/kept-starts.ts';
import { NODE_PATH, ROOT, run } from '../support/run.ts';

let shop: Shop;
const at = (...path: string[]) => join(shop.path, ...path);
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const install = (prefix: string, which: string) =>
  shop.npm('.', 'install', '-g', '--prefix', at(prefix), '--ignore-scripts', `run-foreign@${which}`);

beforeAll(async () => {
  shop = await openShop({ withNext: true });
  await install('this', version);
  await install('next', NEXT);
  copyFileSync(join(ROOT, 'samples/elf/x86_64/hello-static'), at('hello'));
  chmodSync(at('hello'), 0o755);
  // What is younger may still change, and is not kept.
  await settle();
});
afterAll(() => shop.close());

const idOf = (prefix: string) => buildIdOf(readFileSync(at(prefix, 'bin/run-foreign')));

/** Starts the program, and says whose start is kept then. */
async function start(prefix: string): Promise<string[]> {
  const env = { PATH: NODE_PATH, HOME: shop.path };
  const outcome = await run(at(prefix, 'bin/run-foreign'), [at('hello')], { env });
  expect(outcome).toEqual({ status: 0, stdout: 'hello from elf x86_64 static\n', stderr: '' });
  const directory = at('.cache/run-foreign/starts');
  return readdirSync(directory).map((name) => buildIdOf(readFileSync(join(directory, name))));
}

test('side by side', async () => {
  const [ours, theirs] = [idOf('this'), idOf('next')];
  expect(new Set([ours, theirs, 'none']).size).toBe(3);
  for (let round = 0; round < 2; round++) {
    expect(await start('this')).toEqual([ours]);
    expect(await start('this')).toEqual([ours]);
    expect(await start('next')).toEqual([theirs]);
  }
});

test('one in place of the other, and back', async () => {
  await install('changing', version);
  const ours = idOf('changing');
  expect(await start('changing')).toEqual([ours]);
  await install('changing', NEXT);
  expect(idOf('changing')).toBe(idOf('next'));
  expect(await start('changing')).toEqual([idOf('next')]);
  await install('changing', version);
  expect(await start('changing')).toEqual([ours]);
});
