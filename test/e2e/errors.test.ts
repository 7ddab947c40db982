/**
 * What cannot be run is refused with one line that says why, and a status shells know: before the point
 * of no return by run-foreign, after it by the stub.
 */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PF, type Phdr, PT, writeElf } from '../support/elf-writer.ts';
import { expectRefusal } from '../support/refusal.ts';
import { NODE_PATH, quote, run, runForeign, SAMPLES, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
const { file } = directory;
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

const tally = readFileSync(join(SAMPLES, 'elf/x86_64/tally-static'));

describe('what is not there', () => {
  test.each([
    ['/no/such/file', /^run-foreign: \/no\/such\/file: no such file/],
    ['./no-such-file', /^run-foreign: \.\/no-such-file: /],
    ['no-such-command', /^run-foreign: no-such-command: not found in PATH/],
    ['/bin/sh/inside-a-file', /^run-foreign: \/bin\/sh\/inside-a-file: /],
    ['', /^run-foreign: '': /],
  ])('%j ends with status 127', async (name, line) => {
    expectRefusal(await runForeign(['--', name]), line, 127);
  });

  test('a dangling link ends with status 127', async () => {
    symlinkSync('/no/such/file', at('dangling'));
    expectRefusal(await runForeign([at('dangling')]), /dangling: no such file/, 127);
  });

  test('an ELF file whose interpreter is missing says which', async () => {
    const name = Buffer.from('/no/such/ld.so\0');
    const elf = writeElf({
      bits: 64,
      phdrs: [
        { p_type: PT.INTERP, p_offset: 0x200n, p_filesz: BigInt(name.length), p_memsz: BigInt(name.length) },
        { p_type: PT.LOAD, p_flags: PF.RX, p_vaddr: 0x400000n, p_filesz: 0x300n, p_memsz: 0x300n },
      ],
      content: [{ offset: 0x200, bytes: name }],
      size: 0x300,
    });
    const outcome = await runForeign([file('no-interpreter', elf)]);
    expect(outcome.stderr).toMatch(/^run-foreign: [^\n]*\/no\/such\/ld\.so[^\n]*\n$/);
    expect([126, 127]).toContain(outcome.status);
  });
});

describe('what is there and no program', () => {
  test('a directory', async () => {
    expectRefusal(await runForeign(['/bin/']), /is a directory/, 126);
  });

  test('a FIFO, without waiting for a writer', async () => {
    await run('mkfifo', ['-m', '755', at('fifo')]);
    expectRefusal(await runForeign([at('fifo')], { timeout: 5000 }), /fifo: is not a regular file/, 126);
  });

  test('a device', async () => {
    expectRefusal(await runForeign(['/dev/null']), /\/dev\/null: is not a regular file/, 126);
  });

  test('a file without the x bit, also for root', async () => {
    const path = file('no-x', tally, 0o644);
    expectRefusal(await runForeign([path]), /no-x: permission denied.*chmod \+x/, 126);
  });

  test('a file without the x bit in PATH, when there is no other', async () => {
    file('only-no-x', tally, 0o644);
    const env = { PATH: directory.path };
    expectRefusal(await runForeign(['only-no-x'], { env }), /only-no-x: permission denied/, 126);
  });

  test('a name that is too long and a circle of links', async () => {
    expectRefusal(await runForeign([`/${'x'.repeat(300)}`]), /too long/, 126);
    symlinkSync(at('circle'), at('circle'));
    expectRefusal(await runForeign([at('circle')]), /too many symbolic links/, 126);
  });

  test('an empty file', async () => {
    expectRefusal(await runForeign([file('empty', '')]), /empty: is empty/, 126);
  });

  test('a text without #!', async () => {
    expectRefusal(await runForeign([file('text', 'echo hello\n')]), /text: is in no format that/, 126);
  });

  test('a name that has control characters stays on its line', async () => {
    const path = file('line\nbreak\x1b[31m', 'x');
    expectRefusal(await runForeign([path]), /line\?break\?\[31m: is in no format/, 126);
  });
});

/** The sample with some of its bytes changed. */
function changed(offset: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(tally);
  copy.set(bytes, offset);
  return copy;
}

describe('a broken file is refused with file offset, field and value', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['cut off in its header', tally.subarray(0, 40), /file offset 0x0, ELF header = 40 bytes/],
    [
      'cut off in its program headers',
      tally.subarray(0, 100),
      /file offset 0x40, program headers = 36 bytes/,
    ],
    [
      'cut off in a segment',
      tally.subarray(0, 0x1100),
      /truncated.*file offset 0x[0-9a-f]+, p_offset of program header \d = 0x/,
    ],
    ['for another machine', changed(18, 40, 0), /file offset 0x12, e_machine = 0x28/],
    ['an object file', changed(16, 1, 0), /file offset 0x10, e_type = 0x1\)/],
    ['with odd program headers', changed(54, 55, 0), /file offset 0x36, e_phentsize = 0x37/],
    ['without program headers', changed(56, 0, 0), /file offset 0x38, e_phnum = 0x0/],
    [
      'an a.out cut off',
      readFileSync(join(SAMPLES, 'aout/tally-qmagic')).subarray(0, 5000),
      /truncated.*a_text/,
    ],
    [
      'an a.out object file',
      Buffer.concat([Buffer.from([7, 1, 100, 0, 16]), Buffer.alloc(27, 1)]),
      /file offset 0x[0-9a-f]+, a_\w+ = /,
    ],
  ])('%s', async (title, bytes, where) => {
    const path = file(title.replaceAll(' ', '-'), bytes);
    expectRefusal(await runForeign([path]), where, 126);
  });

  test('an entry point outside all code', async () => {
    const outcome = await runForeign([file('entry', changed(24, 0, 0, 0, 0, 0, 0, 0, 0))]);
    expectRefusal(outcome, /entry point 0x0 lies in no executable segment/, 126);
  });
});

/** Code that ends with status 42, and further segments. */
function program(...more: Phdr[]): Buffer {
  const code = Uint8Array.of(0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05);
  const text = { p_type: PT.LOAD, p_flags: PF.RX, p_vaddr: 0x400000n, p_filesz: 0x300n, p_memsz: 0x300n };
  const content = [{ offset: 0x200, bytes: code }];
  return writeElf({ bits: 64, e_entry: 0x400200n, phdrs: [text, ...more], content, size: 0x300 });
}

/**
 * Over nearly all places where the stack and the vDSO may be: that it meets them only the stub can know.
 * The file has none of these bytes, so they need no memory.
 */
const MEETING: Phdr = {
  p_type: PT.LOAD,
  p_flags: PF.R,
  p_vaddr: 0x7f0000000000n,
  p_filesz: 0xffffe00000n,
  p_memsz: 0xffffe00000n,
};

test('memory beyond RLIMIT_DATA is refused before anything is done', async () => {
  const phdr = { p_type: PT.LOAD, p_flags: PF.RW, p_vaddr: 0x10000000n, p_memsz: 0x1_0000_0000n };
  const path = file('large-bss', program(phdr));
  const outcome = await sh(`ulimit -d 2000000; exec ${SHELL_COMMAND} ${quote(path)}`);
  const line =
    /large-bss: needs 4294967296 bytes of memory, and RLIMIT_DATA allows 2048000000; see ulimit -d/;
  expectRefusal(outcome, line, 126);
});

describe('after the point of no return', () => {
  test('the fixture ends with status 42 when nothing is wrong with it', async () => {
    expect(await runForeign([file('right', program())])).toEqual({ stdout: '', stderr: '', status: 42 });
  });

  test('a segment that meets the stack is reported by the stub with step and errno', async () => {
    const outcome = await runForeign([file('on-the-stack', program(MEETING))]);
    expectRefusal(outcome, /on-the-stack: cannot map PT_LOAD 1 at 0x7f0000000000 \(\d+ bytes\): EEXIST\n/);
  });

  test('control characters in the name do not reach the terminal', async () => {
    mkdirSync(at('odd\nname'));
    copyFileSync(file('plain', program(MEETING)), at('odd\nname/é'));
    const outcome = await runForeign([at('odd\nname/é')]);
    expectRefusal(outcome, /odd\?name\/\xc3\xa9: cannot map .*: EEXIST\n$/, 126);
  });

  test('standard error may be closed', async () => {
    const path = file('silent', program(MEETING));
    const outcome = await sh(`${SHELL_COMMAND} ${quote(path)} 2>&-; echo "status $?"`);
    expect(outcome.stdout).toBe('status 126\n');
  });
});

test('messages go to standard error, and to nobody else when it is closed', async () => {
  const options = { env: { PATH: NODE_PATH } };
  const outcome = await sh(`${SHELL_COMMAND} /no/such/file 2>&-; echo "status $?"`, [], options);
  expect(outcome).toEqual({ stdout: 'status 127\n', stderr: '', status: 0 });
});
