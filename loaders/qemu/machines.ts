/**
 * The machines that QEMU's user mode knows, and what tells their programs: EI_CLASS, EI_DATA, e_machine, and on MIPS a
 * flag. The same as the masks of QEMU's scripts/qemu-binfmt-conf.sh, without x86, which Linux runs itself here.
 * Numbers: gABI, "e_machine"; EM_ALPHA as in <linux/elf-em.h>; EF_MIPS_ABI2 as in the MIPS psABI for N32.
 */
import type { ByteOrder, Magic } from 'run-foreign/loader';

/** The offsets are the same in both classes but for e_flags. */
const OFFSETS = {
  EI_CLASS: 4,
  EI_DATA: 5,
  EI_VERSION: 6,
  e_type: 16,
  e_machine: 18,
  e_flags_32: 36,
} as const;
const ELFCLASS = { 32: 1, 64: 2 } as const;
const ELFDATA = { little: 1, big: 2 } as const;
const EV_CURRENT = 1;
/** ET_EXEC, and ET_DYN, which differs in the lowest bit. */
const ET_EXEC = 2;
const ET_MASK = 0xfffe;
/** In e_flags: 64-bit registers and 32-bit pointers. */
const EF_MIPS_ABI2 = 0x20;

const EM = {
  SPARC: 2,
  '68K': 4,
  MIPS: 8,
  PARISC: 15,
  SPARC32PLUS: 18,
  PPC: 20,
  PPC64: 21,
  S390: 22,
  ARM: 40,
  SH: 42,
  SPARCV9: 43,
  CRIS: 76,
  OPENRISC: 92,
  XTENSA: 94,
  ALTERA_NIOS2: 113,
  QDSP6: 164,
  AARCH64: 183,
  MICROBLAZE: 189,
  RISCV: 243,
  LOONGARCH: 258,
  ALPHA: 0x9026,
} as const;

type Machine = readonly [
  name: string,
  machine: keyof typeof EM,
  bits: 32 | 64,
  order: ByteOrder,
  abi2?: boolean,
];

/** By the name that QEMU gives its commands. */
const MACHINES: readonly Machine[] = [
  ['aarch64', 'AARCH64', 64, 'little'],
  ['aarch64_be', 'AARCH64', 64, 'big'],
  ['alpha', 'ALPHA', 64, 'little'],
  ['arm', 'ARM', 32, 'little'],
  ['armeb', 'ARM', 32, 'big'],
  ['cris', 'CRIS', 32, 'little'],
  ['hexagon', 'QDSP6', 32, 'little'],
  ['hppa', 'PARISC', 32, 'big'],
  ['loongarch64', 'LOONGARCH', 64, 'little'],
  ['m68k', '68K', 32, 'big'],
  ['microblaze', 'MICROBLAZE', 32, 'big'],
  ['microblazeel', 'MICROBLAZE', 32, 'little'],
  ['mips', 'MIPS', 32, 'big', false],
  ['mipsel', 'MIPS', 32, 'little', false],
  ['mipsn32', 'MIPS', 32, 'big', true],
  ['mipsn32el', 'MIPS', 32, 'little', true],
  ['mips64', 'MIPS', 64, 'big'],
  ['mips64el', 'MIPS', 64, 'little'],
  ['nios2', 'ALTERA_NIOS2', 32, 'little'],
  ['or1k', 'OPENRISC', 32, 'big'],
  ['ppc', 'PPC', 32, 'big'],
  ['ppc64', 'PPC64', 64, 'big'],
  ['ppc64le', 'PPC64', 64, 'little'],
  ['riscv32', 'RISCV', 32, 'little'],
  ['riscv64', 'RISCV', 64, 'little'],
  ['s390x', 'S390', 64, 'big'],
  ['sh4', 'SH', 32, 'little'],
  ['sh4eb', 'SH', 32, 'big'],
  ['sparc', 'SPARC', 32, 'big'],
  ['sparc32plus', 'SPARC32PLUS', 32, 'big'],
  ['sparc64', 'SPARCV9', 64, 'big'],
  ['xtensa', 'XTENSA', 32, 'little'],
  ['xtensaeb', 'XTENSA', 32, 'big'],
];

/** What of a file the magics look at, bytes. */
export const LOOKED_AT = OFFSETS.e_flags_32 + 4;

type MachineMagic = Magic & { readonly mask: Uint8Array };

let made: readonly MachineMagic[] | undefined;

/** Each with the name of its machine. Padding and EI_OSABI are not looked at. Made when asked for: it takes a millisecond. */
export function magics(): readonly MachineMagic[] {
  made ??= MACHINES.map(magicOf);
  return made;
}

function magicOf([name, machine, bits, order, abi2]: Machine): MachineMagic {
  const size = abi2 === undefined ? OFFSETS.e_machine + 2 : LOOKED_AT;
  const bytes = Buffer.alloc(size);
  const mask = Buffer.alloc(size);
  const put = (at: number, length: number, value: number, among: number) => {
    for (const [buffer, number] of [
      [bytes, value],
      [mask, among],
    ] as const) {
      if (order === 'little') buffer.writeUIntLE(number, at, length);
      else buffer.writeUIntBE(number, at, length);
    }
  };
  bytes.write('\x7fELF', 'latin1');
  mask.fill(0xff, 0, OFFSETS.EI_VERSION + 1);
  bytes[OFFSETS.EI_CLASS] = ELFCLASS[bits];
  bytes[OFFSETS.EI_DATA] = ELFDATA[order];
  bytes[OFFSETS.EI_VERSION] = EV_CURRENT;
  put(OFFSETS.e_type, 2, ET_EXEC, ET_MASK);
  put(OFFSETS.e_machine, 2, EM[machine], 0xffff);
  if (abi2 !== undefined) put(OFFSETS.e_flags_32, 4, abi2 ? EF_MIPS_ABI2 : 0, EF_MIPS_ABI2);
  return { offset: 0, bytes, mask, name };
}

/** The machine that a file's first LOOKED_AT bytes speak of, by QEMU's name; undefined where QEMU has none. */
export function machineOf(start: Uint8Array): string | undefined {
  if (!isKnown(start)) return undefined;
  return magics().find(({ bytes, mask }) =>
    bytes.every((byte, at) => ((start[at] ?? ~byte) & (mask[at] ?? 0)) === byte),
  )?.name;
}

/** Whether any of the machines has its e_machine: for x86 programs that is all there is to ask. */
function isKnown(start: Uint8Array): boolean {
  const [first = 0, second = 0] = start.subarray(OFFSETS.e_machine, OFFSETS.e_machine + 2);
  const machine = start[OFFSETS.EI_DATA] === ELFDATA.big ? first * 256 + second : second * 256 + first;
  return Object.values<number>(EM).includes(machine);
}
