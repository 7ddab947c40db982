/**
 * Position-independent files whose first segment is not the lowest, or begins inside a page: without randomisation
 * they lie where execve puts them, to the address.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type ElfDescription, ET, PF, type Phdr, PT, writeElf } from '../support/elf-writer.ts';
import { identityOf } from '../support/proc.ts';
import { COMMAND, temporary } from '../support/run.ts';
import { exact } from './identity-view.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

/** read(0, below the stack pointer, 1), exit(0): something to look at. */
const WAIT = Buffer.from('31c031ff488d7424f8ba010000000f0531ffb83c0000000f05', 'hex');
const CODE = 0x800;

/** A segment of the file's first page, of which the last byte that is named has `address`'s place in its page. */
const text = (p_vaddr: bigint, p_align = 0x1000n): Phdr => ({
  p_type: PT.LOAD,
  p_flags: PF.RX,
  p_vaddr,
  p_offset: p_vaddr % 0x1000n,
  p_filesz: 0x1000n - (p_vaddr % 0x1000n),
  p_memsz: 0x1000n - (p_vaddr % 0x1000n),
  p_align,
});
const data = (p_vaddr: bigint): Phdr => ({
  ...text(p_vaddr),
  p_flags: PF.RW,
  p_offset: 0x1000n,
  p_filesz: 8n,
  p_memsz: 8n,
});

function file(name: string, phdrs: readonly Phdr[], interpreter?: string): string {
  const entry = (phdrs.find(({ p_flags }) => p_flags === PF.RX)?.p_vaddr ?? 0n) & ~0xfffn;
  const named = Buffer.from(`${interpreter ?? ''}\0`);
  const description: ElfDescription = {
    bits: 64,
    e_type: ET.DYN,
    e_entry: entry + BigInt(CODE),
    phdrs: [
      ...phdrs,
      ...(interpreter === undefined
        ? []
        : [{ p_type: PT.INTERP, p_offset: 0x1800n, p_filesz: BigInt(named.length) }]),
      { p_type: PT.GNU_STACK, p_flags: PF.RW },
    ],
    content: [
      { offset: CODE, bytes: WAIT },
      { offset: 0x1800, bytes: named },
    ],
    size: 0x2000,
  };
  writeFileSync(at(name), writeElf(description), { mode: 0o755 });
  return at(name);
}

const unordered = [text(0x3000n), data(0x1000n)];
const PLAIN = file('plain-interpreter', [text(0n)]);

test.each([
  ['a static PIE', [text(0n), data(0x1000n)], undefined],
  ['a static PIE that begins inside a page', [text(0x1234n)], undefined],
  ['a static PIE with its segments in disorder', unordered, undefined],
  ['a static PIE aligned to 2 MiB that begins inside a page', [text(0x1234n, 0x20_0000n)], undefined],
  ['a static PIE aligned to 64 KiB in disorder', [text(0x3000n, 0x1_0000n), data(0x1000n)], undefined],
  ['a PIE that begins inside a page', [text(0x1bcdn & ~0x800n)], PLAIN],
  ['a PIE with its segments in disorder', unordered, PLAIN],
  ['an interpreter in disorder', [text(0n)], file('unordered-interpreter', unordered)],
  ['an interpreter that begins inside a page', [text(0n)], file('inner-interpreter', [text(0x1234n)])],
])('%s', async (title, phdrs, interpreter) => {
  const path = file(title.replaceAll(' ', '-'), phdrs, interpreter);
  const look = async (words: readonly string[]) => exact(await identityOf('setarch', ['-R', ...words, path]));
  expect(await look([COMMAND])).toEqual(await look([]));
});
