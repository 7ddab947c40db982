/**
 * An interpreter that is another file when the stub runs than when it was planned: missing, damaged, or made to
 * mislead. The stub says what is wrong and ends with 126; it is never killed by a signal.
 */
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ElfDescription, EM, ET, PF, type Phdr, PT, writeElf } from '../support/elf-writer.ts';
import { EXIT_STATUS, interpreter, programFor, runStub, writeStub } from '../support/own-interpreter.ts';
import { run, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

const NOT_ELF = 'is no ELF file for this machine: ENOEXEC';
const FIXED = 'is not position-independent (ET_DYN): ENOEXEC';
const STRANGE_SIZE = 'has program headers of a strange size: ENOEXEC';
const SHORT = 'ends before its headers do: EIO';
const IMPOSSIBLE = 'has a PT_LOAD segment that cannot be mapped: ENOEXEC';
const TRUNCATED = 'is truncated: a PT_LOAD segment goes past its end: EIO';
const MISPLACED = 'has a PT_LOAD segment at another place in its page in memory than in the file: ENOEXEC';
const DISORDER = 'does not begin with a PT_LOAD segment that has bytes and is the lowest: ENOEXEC';
const OUTSIDE = 'is entered outside its segments: ENOEXEC';

describe.each([64, 32] as const)('%i bits', (bits) => {
  const path = at(`ld-${bits}`);
  const program = at(`program-${bits}`);
  const good = interpreter(bits, 'exit');
  const max = (1n << BigInt(bits)) - 1n;
  const most = bits === 64 ? 72 : 126;
  const taskSize = bits === 64 ? 0x7fff_ffff_f000n : 0xffff_e000n;
  let stub: string;

  const put = (bytes: Uint8Array) => {
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, bytes, { mode: 0o755 });
  };
  beforeAll(async () => {
    put(writeElf(good));
    writeFileSync(program, programFor(path, bits), { mode: 0o755 });
    stub = await writeStub(program, { program });
  });

  /** What the stub says of `path`, behind the program's name. */
  const complaint = (what: string) => ({
    status: 126,
    stdout: '',
    stderr: `run-foreign: ${program}: ${what}\n`,
  });
  const changed = (changes: Partial<ElfDescription>) => writeElf({ ...good, ...changes });
  /** The good one with one of its segments changed. */
  const segment = (index: number, changes: Partial<Phdr>) =>
    changed({ phdrs: good.phdrs.map((phdr, other) => (other === index ? { ...phdr, ...changes } : phdr)) });
  const headers = (count: number) => {
    const fill = { p_type: PT.NOTE, p_offset: max, p_vaddr: max, p_filesz: max, p_memsz: max };
    const none = Array.from({ length: count - good.phdrs.length }, () => fill);
    // They reach over the code, so that moves up a page.
    const [first, code, data] = good.phdrs.map((phdr) => ({
      ...phdr,
      p_offset: (phdr.p_offset ?? 0n) + 0x1000n,
    }));
    const content = (good.content ?? []).map(({ offset, bytes }) => ({ offset: offset + 0x1000, bytes }));
    const all = [...none, first, code, data].flatMap((phdr) => (phdr === undefined ? [] : [phdr]));
    return changed({ phdrs: all, content, size: 0x3000 });
  };

  test('a good one is loaded, as by execve', async () => {
    put(writeElf(good));
    expect(await run(program)).toMatchObject({ status: EXIT_STATUS });
    expect(await runStub(stub, program)).toEqual({ status: EXIT_STATUS, stdout: '', stderr: '' });
  });

  test('another good one, with as many headers as are allowed and nonsense in what nobody reads', async () => {
    put(headers(most));
    expect(await runStub(stub, program)).toEqual({ status: EXIT_STATUS, stdout: '', stderr: '' });
  });

  test('one that is found through a symbolic link', async () => {
    put(writeElf(good));
    const moved = at(`moved-${bits}`);
    writeFileSync(moved, writeElf(good), { mode: 0o755 });
    rmSync(path);
    symlinkSync(moved, path);
    expect(await runStub(stub, program)).toEqual({ status: EXIT_STATUS, stdout: '', stderr: '' });
  });

  test.each<[string, () => unknown, string]>([
    ['missing', () => {}, 'ENOENT'],
    ['a directory', () => mkdirSync(path), 'EACCES'],
    ['a FIFO', () => sh('mkfifo -m 755 "$1"', [path]), 'EACCES'],
    ['a device', () => symlinkSync('/dev/zero', path), 'EACCES'],
    ['a link to itself', () => symlinkSync(path, path), 'ELOOP'],
    ['not executable', () => writeFileSync(path, writeElf(good), { mode: 0o644 }), 'EACCES'],
  ])('%s', async (_, make, errno) => {
    rmSync(path, { recursive: true, force: true });
    await make();
    expect(await runStub(stub, program)).toEqual(complaint(`cannot load its interpreter ${path}: ${errno}`));
  });

  test('executable but not readable', async () => {
    put(writeElf(good));
    chmodSync(path, 0o111);
    const mayAnyway = process.getuid?.() === 0;
    // The superuser reads everything, so another user is asked.
    chmodSync(directory.path, 0o755);
    const prefix = mayAnyway ? ['setpriv', '--reuid=65534', '--clear-groups', '--inh-caps=-all'] : [];
    const message = complaint(`cannot load its interpreter ${path}: EACCES`);
    expect(await runStub(stub, program, prefix)).toEqual(message);
  });

  const cases: readonly [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(0), SHORT],
    ['a header that is cut', writeElf(good).subarray(0, 40), SHORT],
    ['headers that are cut', writeElf(good).subarray(0, 100), SHORT],
    ['text', Buffer.alloc(4096, 'x'), NOT_ELF],
    ['another class', changed({ header: { EI_CLASS: bits === 64 ? 1n : 2n } }), NOT_ELF],
    ['another machine', changed({ header: { e_machine: BigInt(EM.ARM) } }), NOT_ELF],
    ['the other word size', writeElf(interpreter(bits === 64 ? 32 : 64, 'exit')), NOT_ELF],
    ['a fixed place', changed({ e_type: ET.EXEC }), FIXED],
    ['an object file', changed({ e_type: ET.REL }), FIXED],
    ['headers of no size', changed({ header: { e_phentsize: 0n } }), STRANGE_SIZE],
    [
      'headers one byte too large',
      changed({ header: { e_phentsize: bits === 64 ? 57n : 33n } }),
      STRANGE_SIZE,
    ],
    [
      'no headers',
      changed({ header: { e_phnum: 0n } }),
      `has no program headers or more than ${most}: ENOEXEC`,
    ],
    ['one header too many', headers(most + 1), `has no program headers or more than ${most}: ENOEXEC`],
    [
      '65535 headers',
      changed({ header: { e_phnum: 0xffffn } }),
      `has no program headers or more than ${most}: ENOEXEC`,
    ],
    ['headers past the end', changed({ header: { e_phoff: 0x10_0000n } }), SHORT],
    ['headers half past the end', changed({ header: { e_phoff: 0x1fc0n } }), SHORT],
    ['no PT_LOAD', changed({ phdrs: [{ p_type: PT.NOTE }] }), DISORDER],
    ['more bytes in the file than in memory', segment(2, { p_filesz: 0x200n, p_memsz: 0x1ffn }), IMPOSSIBLE],
    ['a size that overflows', segment(2, { p_memsz: max }), IMPOSSIBLE],
    ['an address that overflows', segment(2, { p_vaddr: max - 0x7ffn }), IMPOSSIBLE],
    ['an end that is 0', segment(2, { p_vaddr: max - 0x7ffn, p_memsz: 0x800n }), IMPOSSIBLE],
    ['an end past the address space', segment(2, { p_memsz: taskSize - 0x3800n + 1n }), IMPOSSIBLE],
    ['a first segment past the address space', segment(0, { p_vaddr: taskSize }), IMPOSSIBLE],
    ['bytes past the end', segment(2, { p_offset: 0x2800n }), TRUNCATED],
    ['one byte past the end', segment(2, { p_filesz: 0x801n }), TRUNCATED],
    ['an offset that overflows', segment(2, { p_offset: max - 0x7ffn, p_filesz: 0x800n }), TRUNCATED],
    ['an offset that is negative', segment(2, { p_offset: max - 0x7ffn, p_filesz: 1n }), TRUNCATED],
    [
      'a size in the file that is negative',
      segment(2, { p_filesz: max, p_memsz: max, p_vaddr: 0n }),
      IMPOSSIBLE,
    ],
    ['another place in its page', segment(2, { p_offset: 0x1900n }), MISPLACED],
    ['a first segment without bytes', segment(0, { p_filesz: 0n }), DISORDER],
    ['a first segment without anything', segment(0, { p_filesz: 0n, p_memsz: 0n }), DISORDER],
    ['a first segment that is not the lowest', segment(0, { p_vaddr: 0x9000n }), DISORDER],
    ['an entry behind its segments', changed({ e_entry: 0x6200n }), OUTSIDE],
    ['an entry beyond everything', changed({ e_entry: max }), OUTSIDE],
    ['an entry before its segments', changed({ e_entry: 0xfffn, phdrs: good.phdrs.slice(1) }), OUTSIDE],
  ];

  test.each(cases)('%s', async (_, bytes, why) => {
    put(bytes);
    expect(await runStub(stub, program)).toEqual(complaint(`its interpreter ${path} ${why}`));
  });

  test('headers at an offset that no file has', async () => {
    put(changed({ header: { e_phoff: max } }));
    const what =
      bits === 64 ? `cannot read its interpreter ${path}: EINVAL` : `its interpreter ${path} ${SHORT}`;
    expect(await runStub(stub, program)).toEqual(complaint(what));
  });

  test('more than the address space has room for', async () => {
    put(segment(2, { p_memsz: taskSize - 0x3800n }));
    expect(await runStub(stub, program)).toEqual(
      complaint(`cannot find room for its interpreter ${path}: ENOMEM`),
    );
  });

  test('more writable memory than a limit allows', async () => {
    put(segment(2, { p_memsz: 0x400_0000n }));
    const outcome = await runStub(stub, program, ['prlimit', '--data=1000000']);
    expect(outcome).toEqual(complaint(`cannot map its interpreter ${path}: ENOMEM`));
  });

  test('truncated at every length', async () => {
    const whole = writeElf({ ...good, size: 0x1a00 });
    put(whole);
    const outcomes: string[] = [];
    for (let size = 0x1a00; size >= 0; size -= size > 0x200 ? 0x1a7 : 13) {
      truncateSync(path, size);
      const { status, stderr } = await runStub(stub, program);
      outcomes.push(`${size > 0x19ff ? 'whole' : 'cut'} ${status} ${/ends before|truncated/.test(stderr)}`);
    }
    expect(new Set(outcomes)).toEqual(new Set([`whole ${EXIT_STATUS} false`, 'cut 126 true']));
    expect(outcomes.length).toBeGreaterThan(30);
  });

  test('random bits of its headers changed: a message or a start, and no signal that execve would not give', async () => {
    const bytes = writeElf({ ...good, phdrs: [...good.phdrs, { p_type: PT.GNU_STACK, p_flags: PF.RW }] });
    const size = (bits === 64 ? 64 : 52) + 4 * (bits === 64 ? 56 : 32);
    const kinds = new Set<string>();
    for (let bit = 5; bit < size * 8; bit += 23) {
      const bad = Buffer.from(bytes);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      put(bad);
      const ours = await runStub(stub, program);
      if (ours.status === 126) {
        expect(ours.stderr).toMatch(/^run-foreign: .* its interpreter .*: E[A-Z]+\n$/);
        kinds.add('message');
        continue;
      }
      expect([bit, ours.status]).toEqual([bit, (await run(program)).status]);
      kinds.add('start');
    }
    expect(kinds.size).toBe(2);
  });
});
