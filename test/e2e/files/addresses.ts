/** Where segments want to lie: at the edges of the address space, in others' places, and larger than it. */
import { PF, type Phdr, PT } from '../../support/elf-writer.ts';
import { type FileCase, POWERLESS } from './case.ts';
import { BASE, type Bits, CODE, interpHeader, NAME_OFFSET, pie, program, text } from './program.ts';

const TASK_SIZE = { 64: 0x7fff_ffff_f000n, 32: 0xffff_e000n } as const;
/** Higher than that every stack ends, and not all begin. */
const STACKS = { 64: 0x7ffb_0000_0000n, 32: 0xff00_0000n } as const;
const PAGE = 0x1000n;
const MIB = 1n << 20n;
const GIB = 1n << 30n;
const TIB = 1n << 40n;

const bss = (p_vaddr: bigint, p_memsz = PAGE): Phdr => ({
  p_type: PT.LOAD,
  p_flags: PF.RW,
  p_vaddr,
  p_memsz,
});
/** Addresses that the file has no bytes for: they need no memory, and touching them is SIGBUS. */
const bare = (p_vaddr: bigint, end: bigint): Phdr => ({
  p_type: PT.LOAD,
  p_flags: PF.R,
  p_vaddr,
  p_filesz: end - p_vaddr,
  p_memsz: end - p_vaddr,
});
const titled = (title: string, bits: Bits) => (bits === 64 ? title : `${title}, 32-bit`);
const wanting = (bits: Bits) => (bits === 32 ? { needs: 'i386' as const } : {});

/** The program with one more segment, which has no bytes in the file. */
const more = (title: string, phdr: Phdr, bits: Bits = 64): FileCase => ({
  title: titled(title, bits),
  make: (box) => box.file('prog', program(bits, { phdrs: [text(bits), phdr] })),
  ...wanting(bits),
});
/** The program at another place. */
const at = (title: string, p_vaddr: bigint, bits: Bits = 64): FileCase => ({
  title: titled(title, bits),
  make: (box) => box.file('prog', program(bits, { phdrs: [text(bits, { p_vaddr })] })),
  ...wanting(bits),
});
const limited = (title: string, limits: string[], phdr: Phdr, bits: Bits = 64): FileCase => ({
  title: titled(title, bits),
  make: (box) => ({
    path: box.file('prog', program(bits, { phdrs: [text(bits), phdr] })),
    before: ['prlimit', ...limits],
  }),
  ...wanting(bits),
});

const edges: readonly FileCase[] = [
  { ...at('at address 0', 0n), needs: 'root' },
  { ...at('at address 0', 0n, 32), needs: 'root' },
  {
    title: 'at address 0, without CAP_SYS_RAWIO',
    make: (box) => ({
      path: box.file('prog', program(64, { phdrs: [text(64, { p_vaddr: 0n })] })),
      before: POWERLESS,
    }),
    needs: 'root',
  },
  at('at 64 KiB', 0x10000n),
  at('on the last page below TASK_SIZE', TASK_SIZE[64] - PAGE),
  at('on the last page below TASK_SIZE', TASK_SIZE[32] - PAGE, 32),
  at('at TASK_SIZE', TASK_SIZE[64]),
  at('at TASK_SIZE', TASK_SIZE[32], 32),
  at('at 2^47', 1n << 47n),
  at('at 2^63', 1n << 63n),
  at('on the last page of all', (1n << 64n) - PAGE),
  more('a bss on the last page below TASK_SIZE', bss(TASK_SIZE[64] - PAGE)),
  more('a bss that ends a byte past TASK_SIZE', bss(TASK_SIZE[64] - PAGE, PAGE + 1n)),
  more('a bss that ends a byte past TASK_SIZE', bss(TASK_SIZE[32] - PAGE, PAGE + 1n), 32),
  more('a bss at a kernel address', bss(0xffff_8000_0000_0000n)),
  more('a bss that wraps around', bss(0x50_0000n, (1n << 64n) - 0x50_0000n)),
  more('a bss that wraps around', bss(0x900_0000n, (1n << 32n) - 0x900_0000n), 32),
  more('p_memsz 2^64 - 1', bss(0x50_0000n, (1n << 64n) - 1n)),
  more('p_memsz 2^53', bss(0x50_0000n, 1n << 53n)),
  {
    title: 'a PIE whose first segment is at 0x7f0000000000',
    make: (box) => box.file('prog', pie(64, { phdrs: [text(64, { p_vaddr: 0x7f00_0000_0000n })] })),
  },
  {
    title: 'a PIE whose first segment is at 2^47',
    make: (box) => box.file('prog', pie(64, { phdrs: [text(64, { p_vaddr: 1n << 47n })] })),
  },
  {
    title: 'a PIE with an interpreter, larger than the room above where PIEs go',
    make: (box) => {
      const name = Buffer.from(`${box.file('interp', pie())}\0`);
      const phdrs = [interpHeader(name.length), text(64, { p_vaddr: 0n }), bss(0x10_0000n, 44n * TIB)];
      const content = [{ offset: NAME_OFFSET, bytes: name }];
      return box.file('prog', pie(64, { phdrs, content }));
    },
  },
];

const places: readonly FileCase[] = [
  at('where run-foreign’s stub stands', 0x300_0000_0000n),
  at('where run-foreign’s stub stands', 0x4000_0000n, 32),
  at('where PIEs go', 0x5555_5555_4000n),
  more('over most of where the stub may stand', bare(0x100_0000_0000n, 0x480_0000_0000n)),
  more('over all of where the stub may stand', bare(0x100_0000_0000n, 0x500_0000_0000n)),
  more('over all of where the stub may stand', bss(0x3000_0000n, 0x2500_0000n), 32),
  {
    title: 'its first segment over all places of the stack',
    make: (box) => {
      const phdrs = [bare(STACKS[64], TASK_SIZE[64] - PAGE), text()];
      return box.file('prog', program(64, { phdrs, e_entry: BASE[64] + BigInt(CODE) }));
    },
  },
  more('a second segment over all places of the stack', bare(STACKS[64], TASK_SIZE[64] - PAGE)),
  {
    ...more('a bss over all places of the stack', bss(STACKS[32], TASK_SIZE[32] - PAGE - STACKS[32]), 32),
    reason: 'execve lays it over the arguments it has just put there, and the program finds them empty',
  },
];

const sizes: readonly FileCase[] = [
  more('a bss of 1 GiB', bss(0x1000_0000n, GIB)),
  more('a bss of 2 GiB', bss(0x1000_0000n, 2n * GIB), 32),
  more('a bss of 1 TiB, more than there is memory', bss(0x1000_0000n, TIB)),
  more('a bss of 100 TiB', bss(0x1000_0000n, 100n * TIB)),
  more('two thirds of the address space', bss(0x1000_0000n, 0xb000_0000n), 32),
  limited('a bss of 64 GiB with RLIMIT_AS 32 GiB', ['--as=34359738368'], bss(0x1000_0000n, 64n * GIB)),
  limited('a bss of 2 GiB with RLIMIT_AS 32 GiB', ['--as=34359738368'], bss(0x1000_0000n, 2n * GIB)),
  limited('a bss of 4 GiB with RLIMIT_DATA 2 GiB', ['--data=2147483648'], bss(0x1000_0000n, 4n * GIB)),
  limited('a bss of 1 GiB with RLIMIT_DATA 2 GiB', ['--data=2147483648'], bss(0x1000_0000n, GIB)),
  limited(
    'a bss of 3 GiB with RLIMIT_DATA 2 GiB',
    ['--data=2147483648'],
    bss(0x1000_0000n, 3n * GIB - 256n * MIB),
    32,
  ),
  {
    title: 'a static PIE with p_align 2^40 and RLIMIT_AS 32 GiB',
    make: (box) => ({
      path: box.file('prog', pie(64, { phdrs: [text(64, { p_vaddr: 0n, p_align: TIB })] })),
      before: ['prlimit', '--as=34359738368'],
    }),
  },
];

export const addresses: readonly FileCase[] = [...edges, ...places, ...sizes];
