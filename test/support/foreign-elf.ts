/**
 * Small ELF programs for other machines, in either byte order. Each prints its argv[0] and ends with STATUS; the code is
 * in numbers, so that no cross-compiler is needed.
 */

export const STATUS = 7;

export interface ForeignMachine {
  /** As QEMU calls it. */
  readonly name: string;
  readonly bits: 32 | 64;
  readonly big: boolean;
  readonly e_machine: number;
  readonly e_flags?: number;
  readonly e_type?: number;
  /** Instructions. */
  readonly code?: readonly number[];
}

export const AARCH64: ForeignMachine = {
  name: 'aarch64',
  bits: 64,
  big: false,
  e_machine: 183,
  code: [
    0xf94007e1, // ldr x1, [sp, #8]
    0xd2800002, // mov x2, #0
    0x38626823, // ldrb w3, [x1, x2]
    0x34000063, // cbz w3, 3 instructions on
    0x91000442, // add x2, x2, #1
    0x17fffffd, // b 3 instructions back
    0xd2800020, // mov x0, #1
    0xd2800808, // mov x8, #64: write
    0xd4000001, // svc #0
    0xd2800000 | (STATUS << 5), // mov x0, #STATUS
    0xd2800ba8, // mov x8, #93: exit
    0xd4000001, // svc #0
  ],
};

export const RISCV64: ForeignMachine = {
  name: 'riscv64',
  bits: 64,
  big: false,
  e_machine: 243,
  code: [
    0x00813583, // ld a1, 8(sp)
    0x00000613, // li a2, 0
    0x00c586b3, // add a3, a1, a2
    0x0006c683, // lbu a3, 0(a3)
    0x00068663, // beqz a3, 3 instructions on
    0x00160613, // addi a2, a2, 1
    0xff1ff06f, // j 4 instructions back
    0x00100513, // li a0, 1
    0x04000893, // li a7, 64: write
    0x00000073, // ecall
    0x00000513 | (STATUS << 20), // li a0, STATUS
    0x05d00893, // li a7, 93: exit
    0x00000073, // ecall
  ],
};

export const PPC: ForeignMachine = {
  name: 'ppc',
  bits: 32,
  big: true,
  e_machine: 20,
  code: [
    0x80810004, // lwz r4, 4(r1)
    0x38a00000, // li r5, 0
    0x7cc428ae, // lbzx r6, r4, r5
    0x2c060000, // cmpwi r6, 0
    0x4182000c, // beq 3 instructions on
    0x38a50001, // addi r5, r5, 1
    0x4bfffff0, // b 4 instructions back
    0x38600001, // li r3, 1
    0x38000004, // li r0, 4: write
    0x44000002, // sc
    0x38600000 | STATUS, // li r3, STATUS
    0x38000001, // li r0, 1: exit
    0x44000002, // sc
  ],
};

const LOAD_ADDRESS = 0x10000;
const ET_EXEC = 2;
const PT_LOAD = 1;
const PF_RX = 5;
const PAGE_SIZE = 0x10000;

/** One PT_LOAD that holds the whole file. */
export function writeForeignElf(machine: ForeignMachine): Buffer {
  const { bits, big, e_machine, e_flags = 0, e_type = ET_EXEC, code = [] } = machine;
  const wide = bits === 64;
  const [ehsize, phentsize] = wide ? [64, 56] : [52, 32];
  const start = ehsize + phentsize;
  const size = start + 4 * code.length;
  const bytes: number[] = [];
  const put = (value: number, width: number) => {
    const little = Array.from({ length: width }, (_, index) => Math.floor(value / 256 ** index) % 256);
    bytes.push(...(big ? little.reverse() : little));
  };
  const word = (value: number) => put(value, wide ? 8 : 4);
  bytes.push(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, big ? 2 : 1, 1, ...Array<number>(9).fill(0));
  put(e_type, 2);
  put(e_machine, 2);
  put(1, 4);
  for (const value of [LOAD_ADDRESS + start, ehsize, 0]) word(value);
  put(e_flags, 4);
  for (const value of [ehsize, phentsize, 1, 0, 0, 0]) put(value, 2);
  put(PT_LOAD, 4);
  if (wide) put(PF_RX, 4);
  for (const value of [0, LOAD_ADDRESS, LOAD_ADDRESS, size, size]) word(value);
  if (!wide) put(PF_RX, 4);
  word(PAGE_SIZE);
  for (const instruction of code) put(instruction, 4);
  return Buffer.from(bytes);
}
