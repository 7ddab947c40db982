/**
 * An assembler for the few instructions the stub needs, in 32-bit and 64-bit mode. Encodings follow
 * the Intel SDM, volume 2 (opcode tables and "ModR/M and SIB Bytes"); test/emit compares every form
 * with what GNU as makes of it. Operands are as wide as a pointer unless a name says otherwise.
 */

/** Register numbers; r8 and up exist in 64-bit mode only. */
export const REG = {
  ax: 0,
  cx: 1,
  dx: 2,
  bx: 3,
  sp: 4,
  bp: 5,
  si: 6,
  di: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const;

export type Register = (typeof REG)[keyof typeof REG];

/** Bytes at `base + displacement`, or, in 32-bit mode only, at an absolute address. */
export type Memory =
  | { readonly base: Register; readonly displacement: number }
  | { readonly address: number };

/** Condition codes as the opcodes number them. */
const CONDITION = { below: 2, aboveOrEqual: 3, equal: 4, notEqual: 5, belowOrEqual: 6, above: 7 } as const;
export type Condition = keyof typeof CONDITION;

/** The `/digit` of opcode group 81. */
const GROUP_81 = { add: 0, and: 4, cmp: 7 } as const;

export type Label = { position: number | undefined };

export class X86 {
  readonly bits: 32 | 64;
  /** The address of the first byte. */
  readonly origin: bigint;
  readonly #bytes: number[] = [];
  readonly #fixups: { at: number; label: Label }[] = [];

  constructor(bits: 32 | 64, origin: bigint) {
    this.bits = bits;
    this.origin = origin;
  }

  /** Where the next byte goes. */
  get here(): bigint {
    return this.origin + BigInt(this.#bytes.length);
  }

  label(): Label {
    return { position: undefined };
  }

  place(label: Label): void {
    label.position = this.#bytes.length;
  }

  /** The finished bytes; every label must have been placed. */
  finish(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, label } of this.#fixups) {
      if (label.position === undefined) throw new Error('a jump leads to a label that was never placed');
      view.setInt32(at, label.position - (at + 4), true);
    }
    return bytes;
  }

  raw(bytes: Iterable<number>): void {
    this.#bytes.push(...bytes);
  }

  /** mov register, immediate; the shortest form. Changes flags when the value is 0. */
  moveImmediate(register: Register, value: bigint): void {
    const wanted = BigInt.asUintN(this.bits, value);
    if (wanted === 0n) {
      this.#rex(false, register, register);
      this.#emit(0x31, modRm(3, register, register));
    } else if (wanted <= 0xffff_ffffn) {
      this.#rex(false, 0, register);
      this.#emit(0xb8 | (register & 7));
      this.#imm32(wanted);
    } else {
      this.#rex(true, 0, register);
      this.#emit(0xb8 | (register & 7));
      this.#imm32(wanted);
      this.#imm32(wanted >> 32n);
    }
  }

  move(to: Register, from: Register): void {
    this.#rex(true, from, to);
    this.#emit(0x89, modRm(3, from, to));
  }

  load(register: Register, memory: Memory): void {
    this.#withMemory([0x8b], register, memory);
  }

  store(memory: Memory, register: Register): void {
    this.#withMemory([0x89], register, memory);
  }

  /** mov r32, dword [memory]: the upper half becomes 0. */
  load32(register: Register, memory: Memory): void {
    this.#withMemory([0x8b], register, memory, false);
  }

  /** mov dword [memory], r32. */
  storeLow32(memory: Memory, register: Register): void {
    this.#withMemory([0x89], register, memory, false);
  }

  /** mov byte [memory], register; the lowest byte of ax, cx, dx or bx, which need no prefix. */
  storeByte(memory: Memory, register: Register): void {
    if (register > REG.bx) throw new Error('only ax, cx, dx and bx have a byte without a prefix');
    this.#withMemory([0x88], register, memory, false);
  }

  /** mov dword [memory], immediate. */
  store32(memory: Memory, value: number): void {
    this.#withMemory([0xc7], 0, memory, false);
    this.#word32(value);
  }

  /** Stores at `table + index × pointer size`. */
  storeIndexed(table: Memory, index: Register, register: Register): void {
    const scale = this.bits === 64 ? 3 : 2;
    if (index === REG.sp) throw new Error('the stack pointer cannot be an index');
    if ('base' in table) {
      this.#rex(true, register, table.base, index);
      this.#emit(0x89, modRm(2, register, 4), modRm(scale, index, table.base));
      this.#signed32(BigInt(table.displacement));
    } else {
      this.#only32('absolute addresses are');
      this.#rex(false, register, 0, index);
      this.#emit(0x89, modRm(0, register, 4), modRm(scale, index, 5));
      this.#signed32(BigInt(table.address));
    }
  }

  /** movzx register, byte or word [memory]. */
  loadByte(register: Register, memory: Memory): void {
    this.#withMemory([0x0f, 0xb6], register, memory, false);
  }
  loadWord16(register: Register, memory: Memory): void {
    this.#withMemory([0x0f, 0xb7], register, memory, false);
  }

  addFrom(register: Register, memory: Memory): void {
    this.#withMemory([0x03], register, memory);
  }

  addTo(memory: Memory, register: Register): void {
    this.#withMemory([0x01], register, memory);
  }

  add(to: Register, from: Register): void {
    this.#registers(0x01, to, from);
  }
  and(to: Register, from: Register): void {
    this.#registers(0x21, to, from);
  }
  subtract(to: Register, from: Register): void {
    this.#registers(0x29, to, from);
  }
  compare(left: Register, right: Register): void {
    this.#registers(0x39, left, right);
  }
  test(register: Register): void {
    this.#registers(0x85, register, register);
  }

  addImmediate(register: Register, value: number): void {
    this.#group81('add', register, value);
  }
  andImmediate(register: Register, value: number): void {
    this.#group81('and', register, value);
  }
  compareImmediate(register: Register, value: number): void {
    this.#group81('cmp', register, value);
  }

  /** imul to, from: 32 bits, which is plenty for two 16-bit factors. */
  multiply32(to: Register, from: Register): void {
    this.#rex(false, to, from);
    this.#emit(0x0f, 0xaf, modRm(3, to, from));
  }

  negate(register: Register): void {
    this.#rex(true, 0, register);
    this.#emit(0xf7, modRm(3, 3, register));
  }

  shiftLeft(register: Register, count: number): void {
    this.#rex(true, 0, register);
    this.#emit(0xc1, modRm(3, 4, register), count);
  }

  shiftRight(register: Register, count: number): void {
    this.#rex(true, 0, register);
    this.#emit(0xc1, modRm(3, 5, register), count);
  }

  jump(label: Label): void {
    this.#emit(0xe9);
    this.#relative(label);
  }

  jumpIf(condition: Condition, label: Label): void {
    this.#emit(0x0f, 0x80 | CONDITION[condition]);
    this.#relative(label);
  }

  /** Jumps to the address that is stored at `address`; uses no register. */
  jumpThrough(address: bigint): void {
    const next = this.here + 6n;
    this.#emit(0xff, 0x25);
    this.#signed32(this.bits === 64 ? address - next : address);
  }

  /** jmp qword [memory]. */
  jumpMemory(memory: Memory): void {
    this.#withMemory([0xff], 4, memory, false);
  }

  /** lock inc dword [memory] and lock dec dword [memory]: for what several threads count. `equal` is true at 0. */
  lockIncrement32(memory: Memory): void {
    this.#emit(0xf0);
    this.#withMemory([0xff], 0, memory, false);
  }
  lockDecrement32(memory: Memory): void {
    this.#emit(0xf0);
    this.#withMemory([0xff], 1, memory, false);
  }

  jumpRegister(register: Register): void {
    this.#rex(false, 0, register);
    this.#emit(0xff, modRm(3, 4, register));
  }

  /** The system call of each mode: `syscall` or `int 0x80`. */
  systemCall(): void {
    if (this.bits === 64) this.#emit(0x0f, 0x05);
    else this.#emit(0xcd, 0x80);
  }

  repeatMoveBytes(): void {
    this.#emit(0xf3, 0xa4);
  }
  /** cld and std: whether string instructions go up, as they must whenever others rely on it, or down. */
  stringsUp(): void {
    this.#emit(0xfc);
  }
  stringsDown(): void {
    this.#emit(0xfd);
  }
  repeatStoreBytes(): void {
    this.#emit(0xf3, 0xaa);
  }
  /** repe cmpsb: `equal` is true when cx bytes at si and di are the same; cx must not be 0. */
  repeatCompareBytes(): void {
    this.#emit(0xf3, 0xa6);
  }
  popFlags(): void {
    this.#emit(0x9d);
  }
  return(): void {
    this.#emit(0xc3);
  }

  #emit(...bytes: number[]): void {
    this.#bytes.push(...bytes);
  }

  #imm32(value: bigint): void {
    this.#word32(Number(BigInt.asUintN(32, value)));
  }

  #word32(value: number): void {
    this.#bytes.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  /** A field that 64-bit mode extends by its sign; in 32-bit mode it may be an address as well. */
  #signed32(value: number | bigint): void {
    const highest = this.bits === 64 ? 0x7fff_ffff : 0xffff_ffff;
    if (value < -0x8000_0000 || value > highest) throw new Error(`${value} does not fit into 32 bits`);
    this.#word32(Number(value));
  }

  #only32(what: string): void {
    if (this.bits !== 32) throw new Error(`${what} for 32-bit mode`);
  }

  #relative(label: Label): void {
    this.#fixups.push({ at: this.#bytes.length, label });
    this.#word32(0);
  }

  #registers(opcode: number, to: Register, from: Register): void {
    this.#rex(true, from, to);
    this.#emit(opcode, modRm(3, from, to));
  }

  #group81(operation: keyof typeof GROUP_81, register: Register, value: number): void {
    this.#rex(true, 0, register);
    this.#emit(0x81, modRm(3, GROUP_81[operation], register));
    this.#signed32(value);
  }

  #withMemory(opcode: number[], register: number, memory: Memory, wide = true): void {
    if (!('base' in memory)) {
      this.#only32('absolute addresses are');
      this.#emit(...opcode, modRm(0, register, 5));
      this.#signed32(memory.address);
      return;
    }
    this.#rex(wide, register, memory.base);
    this.#emit(...opcode, modRm(2, register, memory.base));
    // sp and r12 as a base need a SIB byte that says "no index".
    if ((memory.base & 7) === REG.sp) this.#emit(0x24);
    this.#signed32(memory.displacement);
  }

  /** The REX prefix, where 64-bit mode needs one. */
  #rex(wide: boolean, register: number, base: number, index = 0): void {
    const high = (number: number, bit: number) => (number >= 8 ? bit : 0);
    const rex = (wide && this.bits === 64 ? 8 : 0) | high(register, 4) | high(index, 2) | high(base, 1);
    if (rex === 0) return;
    if (this.bits === 32) throw new Error(`register ${Math.max(register, base, index)} is for 64-bit mode`);
    this.#emit(0x40 | rex);
  }
}

function modRm(mode: number, register: number, rm: number): number {
  return (mode << 6) | ((register & 7) << 3) | (rm & 7);
}
