/** Actually Portable Executables through the command, beside what shell and kernel do with the same files. */
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { APE_MAGIC, printed, showRdx, writeApe } from '../support/ape-writer.ts';
import { newKey } from '../support/keys.ts';
import { sampleBytes } from '../support/packed.ts';
import { identityOf, withoutPrivilege } from '../support/proc.ts';
import { expectRefusal } from '../support/refusal.ts';
import { COMMAND, NODE_PATH, run, runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

const APE = sampleBytes('ape/tally');
const WORDS = { status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' };

test('without run-foreign a shell gets it, and changes the file', async () => {
  const path = file('by-itself', APE);
  expect(await run('/bin/sh', ['-c', '"$0" inputs/words.txt', path])).toEqual(WORDS);
  const assimilated = readFileSync(path);
  expect(assimilated.equals(APE)).toBe(false);
  expect(assimilated.equals(sampleBytes('ape/tally-assimilated'))).toBe(true);
  // What is left is ELF, for FreeBSD by its EI_OSABI, which Linux does not look at.
  expect(assimilated[7]).toBe(9);
  expect(await run(path, ['inputs/words.txt'])).toEqual(WORDS);
  expect(await runForeign([path, 'inputs/words.txt'])).toEqual(WORDS);
});

describe('through run-foreign', () => {
  test('nothing is changed, and nothing written where the shell path would', async () => {
    const path = file('untouched', APE);
    const home = join(directory.path, 'home');
    mkdirSync(home);
    const env = { PATH: NODE_PATH, HOME: home, TMPDIR: home };
    expect(await runForeign([path, 'inputs/words.txt'], { env })).toEqual(WORDS);
    expect(readFileSync(path).equals(APE)).toBe(true);
    expect(readdirSync(home)).toEqual([]);
  });

  test('it need not be a file that may be written or has a name', async () => {
    chmodSync(file('read-only', APE), 0o555);
    expect(await runForeign([join(directory.path, 'read-only'), 'inputs/words.txt'])).toEqual(WORDS);
    const pipe = await sh(`cat ape/tally | ${SHELL_COMMAND} - inputs/words.txt`);
    expect(pipe).toEqual(WORDS);
  });

  test.each([
    ['packed', gzipSync(APE)],
    ['behind a line', Buffer.concat([Buffer.from(`#!${COMMAND}\n`), APE])],
    ['packed behind a line', Buffer.concat([Buffer.from(`#!${COMMAND} --format ape\n`), gzipSync(APE)])],
  ])('%s', async (name, bytes) => {
    expect(await runForeign([file(name.replaceAll(' ', '-'), bytes), 'inputs/words.txt'])).toEqual(WORDS);
  });

  test('sealed', async () => {
    const key = await newKey(directory.path);
    const sealed = join(directory.path, 'sealed');
    const made = await runForeign(['seal', 'ape/tally', '-r', key.recipient, '--executable', '-o', sealed]);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(await runForeign(['--identity', key.file, sealed, 'inputs/words.txt'])).toEqual(WORDS);
  });

  test('the process is the file that the user named', async () => {
    const path = file('itself', APE);
    const identity = withoutPrivilege(await identityOf(COMMAND, [path, '-', 'x']), path);
    expect(identity).toMatchObject({ comm: 'itself', exe: path, cmdline: [path, '-', 'x'] });
    // The kernel gives the same addresses to what the shell leaves of the file, and maps the same pages of it.
    const kernel = file('kernel', sampleBytes('ape/tally-assimilated'));
    const native = await identityOf(kernel, ['-', 'x']);
    const pages = (maps: typeof identity.maps, from: string) => maps.filter(({ name }) => name === from);
    const renamed = pages(native.maps, kernel).map((each) => ({ ...each, name: path }));
    expect(pages(identity.maps, path)).toEqual(renamed);
    expect(renamed.length).toBeGreaterThan(2);
    const phdr = (auxv: typeof identity.auxv) => auxv.filter(([type]) => [3, 4, 5, 9].includes(type));
    expect(phdr(identity.auxv)).toEqual(phdr(native.auxv));
  });
});

describe('rdx points to the path of its file', () => {
  const says = (stdout: string) => ({ status: 0, stdout, stderr: '' });

  test('as it was named', async () => {
    const path = file('rdx', showRdx());
    expect(await runForeign([path])).toEqual(says(path));
    expect(await runForeign(['./rdx'], { cwd: directory.path })).toEqual(says('./rdx'));
    expect(await runForeign(['rdx'], { env: { PATH: `${directory.path}:${NODE_PATH}` } })).toEqual(
      says(path),
    );
  });

  test('also of one that is packed, or behind a line', async () => {
    const packed = file('rdx.gz', gzipSync(showRdx()));
    expect(await runForeign([packed])).toEqual(says(packed));
    const script = file('line', Buffer.concat([Buffer.from(`#!${COMMAND}\n`), showRdx()]));
    expect(await run(script)).toEqual(says(script));
  });

  test('of a file that another names, and not of that', async () => {
    file('named', showRdx());
    const manifest = file('manifest', Buffer.from('{ "run-foreign": 1, "program": "named" }'));
    expect(await runForeign([manifest])).toEqual(says(join(directory.path, 'named')));
  });

  test('and is zero where there is none', async () => {
    file('piped', showRdx());
    expect(await sh(`cat "$1" | ${SHELL_COMMAND} -`, [join(directory.path, 'piped')])).toEqual(says(''));
  });
});

describe('what is refused', () => {
  test('one for another machine, by its name', async () => {
    const header = Buffer.from(sampleBytes('ape/tally-assimilated').subarray(0, 64));
    header.writeUInt16LE(183, 18);
    const path = file('aarch64', writeApe(printed(header), Buffer.alloc(64)));
    expectRefusal(await runForeign([path]), /aarch64: holds a program for aarch64, and none for x86-64\n$/);
  });

  test('a broken header, by the place where the script spells it', async () => {
    const text = APE.toString('latin1');
    const at = text.indexOf("printf '") + 8;
    const broken = Buffer.from(APE);
    broken.write('\\001', at + 4 * 16, 'latin1');
    expectRefusal(
      await runForeign([file('broken', broken)]),
      `is no executable program (file offset 0x${(at + 64).toString(16)}, e_type = 0x1)`,
    );
  });

  test('one without a header', async () => {
    const path = file('none', Buffer.from(`${APE_MAGIC}echo "no ELF here"\n`));
    expectRefusal(
      await runForeign([path]),
      /none: has no ELF header in its first 8192 bytes \(file offset 0x0, /,
    );
  });
});
