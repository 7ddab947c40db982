/**
 * Where Linux puts things in a user address space on x86, and where it never puts anything.
 * Sources: arch/x86/include/asm/{elf.h,page_64_types.h,processor.h}, arch/x86/mm/mmap.c, fs/binfmt_elf.c.
 */
import type { Arch, Range } from '../image/image.ts';

export const PAGE_SIZE = 4096n;

export interface AddressSpace {
  /** TASK_SIZE: the first address a program cannot have. */
  readonly taskSize: bigint;
  /** ELF_ET_DYN_BASE: where PIEs go before randomisation. */
  readonly etDynBase: bigint;
  /** arch_randomize_brk: the heap starts at most this many bytes after the image. */
  readonly brkRange: bigint;
  /** randomize_stack_top and arch_align_stack: the stack ends less than this many bytes below taskSize. */
  readonly stackRange: bigint;
  /**
   * Neither the stack nor the vDSO nor mmap without an address is ever put here, so the stub is. With
   * `ulimit -s unlimited` mmap begins at a sixth of the address space, less up to 32 (i386: 16) bits of
   * random pages; in the legacy layout it begins at a third and goes up.
   */
  readonly quiet: Range;
  /** Bytes of it kept for the stub: its code, its tables and the first stack. */
  readonly stubReserve: bigint;
}

const TASK_SIZE_64 = 0x7fff_ffff_f000n;

export const ADDRESS_SPACES: Record<Arch, AddressSpace> = {
  x86_64: {
    taskSize: TASK_SIZE_64,
    etDynBase: (TASK_SIZE_64 / 3n) * 2n,
    brkRange: 0x4000_0000n,
    stackRange: 0x4_0000_3000n,
    quiet: { start: 0x0100_0000_0000n, end: 0x0500_0000_0000n },
    stubReserve: 0x10_0000_0000n,
  },
  i386: {
    taskSize: 0xffff_e000n,
    etDynBase: 0x5655_5000n,
    brkRange: 0x0200_0000n,
    stackRange: 0x0080_3000n,
    quiet: { start: 0x3000_0000n, end: 0x5500_0000n },
    stubReserve: 0x1000_0000n,
  },
};

export function alignDown(value: bigint, align: bigint): bigint {
  return value - (((value % align) + align) % align);
}

export function alignUp(value: bigint, align: bigint): bigint {
  return alignDown(value + align - 1n, align);
}

export const pageStart = (address: bigint): bigint => alignDown(address, PAGE_SIZE);
export const pageEnd = (address: bigint): bigint => alignUp(address, PAGE_SIZE);
