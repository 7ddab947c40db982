/**
 * Reads a first stack as a program does: puts the image somewhere, adds the bases as the stub would,
 * fills in the kernel's auxv, and follows the pointers from the stack pointer.
 */
import type { Base } from '../../src/process/place.ts';
import type { StackImage } from '../../src/process/stack-image.ts';

export interface ReadStack {
  readonly sp: bigint;
  readonly word: (address: bigint) => bigint;
  readonly string: (address: bigint) => string;
  readonly bytes: (address: bigint, size: number) => Uint8Array;
}

/** `stack` is the end of the stack area. */
export type Bases = Readonly<Partial<Record<Base, bigint>> & { stack: bigint }>;

/** What the "kernel" put into its auxv entry of this type. */
export const kernelValue = (type: number): bigint => 0x4b00n + BigInt(type);

export function placeStack(image: StackImage, wordSize: 4 | 8, bases: Bases): ReadStack {
  const bytes = Buffer.from(image.bytes);
  const get = (at: number) => (wordSize === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at)));
  const put = (at: number, value: bigint) => {
    if (wordSize === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
    else bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), at);
  };
  for (const { offset, count, base } of image.pointers) {
    const added = bases[base];
    if (added === undefined) throw new Error(`a pointer from ${base}, which has no address here`);
    for (let index = 0; index < count; index++) {
      const at = offset + index * wordSize;
      put(at, get(at) + added);
    }
  }
  for (const { offset, type } of image.kernelAuxv) put(offset, kernelValue(type));

  const sp = bases.stack + image.sp;
  const at = (address: bigint) => {
    const offset = Number(address - sp);
    if (offset < 0 || offset >= bytes.length)
      throw new Error(`0x${address.toString(16)} is not on the stack`);
    return offset;
  };
  return {
    sp,
    word: (address) => get(at(address)),
    bytes: (address, size) => bytes.subarray(at(address), at(address) + size),
    string: (address) => bytes.toString('latin1', at(address), bytes.indexOf(0, at(address))),
  };
}

export interface SysvStack {
  readonly argc: bigint;
  readonly argv: readonly bigint[];
  readonly envp: readonly bigint[];
  readonly auxv: readonly (readonly [type: number, value: bigint])[];
  /** The address behind AT_NULL's value. */
  readonly end: bigint;
}

/** System V psABI, "Initial Stack and Register State". */
export function readSysv(stack: ReadStack, wordSize: number): SysvStack {
  const step = BigInt(wordSize);
  let at = stack.sp;
  const next = () => {
    const value = stack.word(at);
    at += step;
    return value;
  };
  const untilNull = () => {
    const list: bigint[] = [];
    for (let value = next(); value !== 0n; value = next()) list.push(value);
    return list;
  };
  const argc = next();
  const argv = untilNull();
  const envp = untilNull();
  const auxv: [number, bigint][] = [];
  for (let type = next(); type !== 0n; type = next()) auxv.push([Number(type), next()]);
  next();
  return { argc, argv, envp, auxv, end: at };
}
