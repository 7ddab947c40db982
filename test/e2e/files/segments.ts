/** PT_LOAD: sizes, offsets, protections, order and alignment; and the headers that are not PT_LOAD. */
import { PF, type Phdr, PT } from '../../support/elf-writer.ts';
import { type FileCase, POWERLESS } from './case.ts';
import { BASE, type Bits, CODE, code, pie, program, text } from './program.ts';

/** The program with one more header, behind the text's. */
const more = (title: string, phdr: Phdr, bits: Bits = 64): FileCase => ({
  title: bits === 64 ? title : `${title}, 32-bit`,
  make: (box) => box.file('prog', program(bits, { phdrs: [text(bits), phdr] })),
  ...(bits === 32 && { needs: 'i386' as const }),
});
/** The program with a changed text segment. */
const textIs = (title: string, changes: Partial<Phdr>): FileCase => ({
  title,
  make: (box) => box.file('prog', program(64, { phdrs: [text(64, changes)] })),
});
const bytes = (title: string, make: () => Uint8Array): FileCase => ({
  title,
  make: (box) => box.file('prog', make()),
});
const load = (changes: Partial<Phdr>): Phdr => ({
  p_type: PT.LOAD,
  p_flags: PF.RW,
  p_vaddr: 0x500000n,
  p_filesz: 0x100n,
  p_memsz: 0x100n,
  ...changes,
});

const sizes: readonly FileCase[] = [
  bytes('no PT_LOAD at all', () => program(64, { phdrs: [{ p_type: PT.NULL }], e_entry: 0x400800n })),
  bytes('no PT_LOAD at all, ET_DYN', () => pie(64, { phdrs: [{ p_type: PT.NULL }], e_entry: 0x800n })),
  textIs('p_filesz above p_memsz', { p_memsz: 0xfffn }),
  more('p_filesz above p_memsz in a second segment', load({ p_memsz: 0xffn })),
  more('p_filesz above p_memsz in a second segment', load({ p_memsz: 0xffn }), 32),
  more('p_memsz 0', load({ p_filesz: 0n, p_memsz: 0n })),
  more('p_memsz 0 at a kernel address', load({ p_vaddr: 1n << 63n, p_filesz: 0n, p_memsz: 0n })),
  more('p_memsz 0, p_filesz 1', load({ p_filesz: 1n, p_memsz: 0n })),
  more('p_filesz 0, p_offset past the end of the file', load({ p_offset: 1n << 40n, p_filesz: 0n })),
  more('p_filesz 0, p_offset not congruent', load({ p_offset: 0x123n, p_filesz: 0n })),
  more('p_memsz of a byte more than p_filesz, read-only', load({ p_flags: PF.R, p_memsz: 0x101n })),
  more('p_memsz of pages more than p_filesz, read-only', load({ p_flags: PF.R, p_memsz: 0x5000n })),
];

const offsets: readonly FileCase[] = [
  more('p_offset at the end of the file', load({ p_offset: 0x1000n })),
  more('p_offset at the end of the file', load({ p_offset: 0x1000n }), 32),
  more('p_offset past the end of the file', load({ p_offset: 0x10_0000n })),
  more('p_offset past the end of the file, read-only', load({ p_offset: 0x10_0000n, p_flags: PF.R })),
  more('p_offset past the end of the file, with a bss', load({ p_offset: 0x10_0000n, p_memsz: 0x3000n })),
  more(
    'p_offset past the end, with a bss, read-only',
    load({ p_offset: 0x10_0000n, p_flags: PF.R, p_memsz: 0x3000n }),
  ),
  more('a segment that ends past the end of the file', load({ p_filesz: 0x2800n, p_memsz: 0x2800n })),
  more(
    'a segment that ends past the end of the file, with a bss',
    load({ p_filesz: 0x2800n, p_memsz: 0x5000n }),
  ),
  more(
    'a segment that ends at a page past the end, with a bss',
    load({ p_filesz: 0x3000n, p_memsz: 0x5000n }),
  ),
  bytes('cut off in its text, behind the code', () => program().subarray(0, CODE + 0x100)),
  bytes('cut off in its text, before the code', () =>
    program(64, { phdrs: [text(64, { p_filesz: 0x3000n, p_memsz: 0x3000n })], e_entry: 0x402000n }),
  ),
  textIs('p_offset 2^63', { p_offset: 1n << 63n }),
  more('p_offset 2^63 in a second segment', load({ p_offset: 1n << 63n })),
  more('p_offset 2^64 - 4096', load({ p_offset: (1n << 64n) - 0x1000n })),
  more('p_offset not congruent to p_vaddr', load({ p_vaddr: 0x500010n })),
  more('p_offset not congruent to p_vaddr', load({ p_vaddr: 0x500010n }), 32),
  more(
    'p_offset congruent modulo a page, not modulo p_align',
    load({ p_vaddr: 0x501000n, p_align: 0x200000n }),
  ),
  more('p_offset in the middle of a page', load({ p_vaddr: 0x500010n, p_offset: 0x10n })),
];

/** Mounts a tmpfs, which has all offsets there are, where the words after the first find a copy of it. */
const ON_TMPFS = [
  ...['unshare', '--mount', 'sh', '-ec'],
  'mkdir -p "$1.tmpfs"; mount -t tmpfs tmpfs "$1.tmpfs"; cp "$1" "$1.tmpfs/prog"; shift; exec "$@"',
  'sh',
];
const onTmpfs = (title: string, p_offset: bigint): FileCase => ({
  title: `${title}, on a tmpfs`,
  make: (box) => {
    const file = box.file('prog', program(64, { phdrs: [text(), load({ p_offset })] }));
    return { path: `${file}.tmpfs/prog`, before: [...ON_TMPFS, file] };
  },
  needs: 'mounts',
});
const farOffsets: readonly FileCase[] = [
  ...[32n, 43n, 44n, 50n].map((bits) => ({
    ...more(`p_offset 2^${bits}`, load({ p_offset: 1n << bits })),
    unlisted: true,
  })),
  {
    ...more(
      'a segment of 2^46 bytes of the file',
      load({ p_flags: PF.R, p_filesz: 1n << 46n, p_memsz: 1n << 46n }),
    ),
    unlisted: true,
  },
  onTmpfs('p_offset 2^50', 1n << 50n),
  {
    ...onTmpfs('p_offset 2^60', 1n << 60n),
    reason: 'offsets above 2^53 are refused, which no file has',
  },
];

const protections: readonly FileCase[] = [
  textIs('p_flags 0', { p_flags: 0 }),
  textIs('p_flags X alone', { p_flags: PF.X }),
  textIs('p_flags W and X', { p_flags: PF.W | PF.X }),
  textIs('p_flags with unknown bits', { p_flags: 0xffff_fff5 }),
  more('a second segment with p_flags 0', load({ p_flags: 0 })),
  more('a second segment with p_flags 0 and a bss', load({ p_flags: 0, p_memsz: 0x3000n })),
];

const stack = (p_flags: number): Phdr => ({ p_type: PT.GNU_STACK, p_flags });
const order: readonly FileCase[] = [
  bytes('unordered segments', () => program(64, { phdrs: [text(64, { p_vaddr: 0x600000n }), text()] })),
  bytes('unordered segments, PIE', () =>
    pie(64, { phdrs: [text(64, { p_vaddr: 0x200000n }), text(64, { p_vaddr: 0n })] }),
  ),
  more('the same segment twice', text()),
  more('zeros over the code’s page', load({ p_vaddr: 0x400ff0n, p_filesz: 0n, p_memsz: 8n })),
  bytes('code over zeros', () =>
    program(64, { phdrs: [load({ p_vaddr: BASE[64], p_filesz: 0n, p_memsz: 0x4000n }), text()] }),
  ),
  bytes('code over zeros, 32-bit', () =>
    program(32, { phdrs: [load({ p_vaddr: BASE[32], p_filesz: 0n, p_memsz: 0x4000n }), text(32)] }),
  ),
  more('other bytes over the code', load({ p_vaddr: 0x400800n, p_offset: 0x800n, p_flags: PF.RX })),
  more('data in the code’s page, writable only', load({ p_vaddr: 0x400f00n, p_offset: 0xf00n })),
  bytes('a hole of a gigabyte between segments', () =>
    program(64, { phdrs: [text(), load({ p_vaddr: 0x4040_0000n })] }),
  ),
  bytes('a hole of a gigabyte between segments, PIE', () =>
    pie(64, { phdrs: [text(64, { p_vaddr: 0n }), load({ p_vaddr: 0x4040_0000n })] }),
  ),
  bytes('512 segments', () =>
    program(64, {
      phdrs: [
        text(64, { p_filesz: 0x9000n, p_memsz: 0x9000n }),
        ...Array.from({ length: 511 }, (_, index) => load({ p_vaddr: BigInt(0x1000_0000 + index * 0x2000) })),
      ],
      e_entry: 0x408000n,
      content: [{ offset: 0x8000, bytes: code(64) }],
      size: 0x9000,
    }),
  ),
];

const align = (title: string, p_align: bigint): FileCase[] => [
  textIs(`p_align ${title}`, { p_align }),
  bytes(`p_align ${title}, static PIE`, () => pie(64, { phdrs: [text(64, { p_vaddr: 0n, p_align })] })),
];
/** The kernel asks for no room for such a first segment, and finds it at 0. */
const firstEmpty = (bits: Bits = 64) =>
  pie(bits, {
    phdrs: [load({ p_vaddr: 0n, p_filesz: 0n, p_memsz: 0x1000n }), text(bits, { p_vaddr: 0x1000n })],
    e_entry: 0x1800n,
  });
const others: readonly FileCase[] = [
  { ...bytes('a static PIE whose first segment has no bytes', firstEmpty), needs: 'root' },
  { ...bytes('a static PIE whose first segment has no bytes, 32-bit', () => firstEmpty(32)), needs: 'root' },
  {
    title: 'a static PIE whose first segment has no bytes, without CAP_SYS_RAWIO',
    make: (box) => ({ path: box.file('prog', firstEmpty()), before: POWERLESS }),
    needs: 'root',
  },
  {
    title: 'a static PIE with p_align 2^63, without CAP_SYS_RAWIO',
    make: (box) => ({
      path: box.file('prog', pie(64, { phdrs: [text(64, { p_vaddr: 0n, p_align: 1n << 63n })] })),
      before: POWERLESS,
    }),
    needs: 'root',
  },
  ...align('0', 0n),
  ...align('3', 3n),
  ...align('0x3000', 0x3000n),
  ...align('2^30', 1n << 30n),
  ...align('2^40', 1n << 40n),
  ...align('2^46', 1n << 46n),
  // Nothing is left of a base but 0, which not everybody may have.
  ...align('2^63', 1n << 63n).map((each) => ({ ...each, needs: 'root' as const })),
  {
    ...bytes('p_align 2^31, static PIE, 32-bit', () =>
      pie(32, { phdrs: [text(32, { p_vaddr: 0n, p_align: 1n << 31n })] }),
    ),
    needs: 'i386',
  },
  more('PT_GNU_STACK with PF_X', stack(PF.RWX)),
  more('PT_GNU_STACK without PF_X', stack(PF.RW), 32),
  more('PT_GNU_STACK with p_flags 0', stack(0)),
  more('PT_GNU_STACK with nonsense sizes', {
    ...stack(PF.RW),
    p_offset: 1n << 63n,
    p_filesz: (1n << 64n) - 1n,
    p_memsz: 3n,
  }),
  bytes('two PT_GNU_STACK', () => program(64, { phdrs: [text(), stack(PF.RWX), stack(PF.RW)] })),
  more('PT_GNU_PROPERTY that holds no note', {
    p_type: 0x6474e553,
    p_offset: 0x10n,
    p_filesz: 0x20n,
    p_memsz: 0x20n,
  }),
  more('PT_GNU_PROPERTY past the end of the file', {
    p_type: 0x6474e553,
    p_offset: 1n << 40n,
    p_filesz: 0x20n,
  }),
  more('PT_DYNAMIC, PT_NOTE and others of nonsense', {
    p_type: PT.DYNAMIC,
    p_offset: 1n << 63n,
    p_filesz: 1n << 63n,
    p_vaddr: 1n << 63n,
  }),
  more('an unknown p_type', {
    p_type: 0x7000_0001,
    p_offset: 1n << 63n,
    p_vaddr: 1n << 63n,
    p_memsz: 1n << 63n,
  }),
];

export const segments: readonly FileCase[] = [...sizes, ...offsets, ...farOffsets, ...protections, ...order];
export const otherHeaders: readonly FileCase[] = others;
