/**
 * Where Linux on x86 may have put something of its own before a program's first instruction: the stack
 * and the vDSO. Written from arch/x86/mm/mmap.c, arch/x86/entry/vdso/vma.c, fs/binfmt_elf.c and
 * fs/exec.c, and from nothing of ours, because it judges what ours chooses.
 */
import type { Arch, Range } from '../../../src/image/image.ts';
import type { HostFacts } from '../../../src/process/host.ts';

const PAGE = 0x1000n;
const MIB = 0x10_0000n;

interface KernelSpace {
  /** TASK_SIZE, which is STACK_TOP as well. */
  readonly taskSize: bigint;
  /** __STACK_RND_MASK, in pages. */
  readonly stackRandomPages: bigint;
  /** ELF_ET_DYN_BASE, which is no page's address in a 64-bit process. */
  readonly etDynBase: bigint;
  /** What arch_randomize_brk moves the heap by, at most. */
  readonly brkRange: bigint;
}

export const KERNEL: Record<Arch, KernelSpace> = {
  x86_64: {
    taskSize: (1n << 47n) - PAGE,
    stackRandomPages: 0x3f_ffffn,
    etDynBase: 0x5555_5555_4aaan,
    brkRange: 1024n * MIB,
  },
  i386: {
    taskSize: 0xffff_e000n,
    stackRandomPages: 0x7ffn,
    etDynBase: 0x5655_5000n,
    brkRange: 32n * MIB,
  },
};

/** stack_guard_gap's default. */
const GUARD_GAP = 256n * PAGE;
/** What setup_arg_pages adds below the strings, and the most that strings can take. */
const STACK_AT_START = 128n * 1024n + 6n * MIB;
/** More than any vDSO with its data pages. */
const VDSO_SIZE = 32n * PAGE;

/** The two areas; a part of either may be free, and all else is. */
export function kernelAreas(arch: Arch, host: HostFacts): readonly Range[] {
  const { taskSize, stackRandomPages } = KERNEL[arch];
  const stackRandom = host.randomizeVaSpace === 0 ? 0n : stackRandomPages * PAGE;
  // Kernels before 6.16 put the 64-bit vDSO between the stack's end and the end of the address space.
  const stack = { start: taskSize - stackRandom - STACK_AT_START - GUARD_GAP, end: taskSize };

  // mmap_base() with the gap it leaves for the stack, and arch_mmap_rnd().
  const pad = stackRandom + GUARD_GAP;
  const wanted = host.stackLimit + pad < 1n << 64n ? host.stackLimit + pad : host.stackLimit;
  const gap = clamp(wanted, 128n * MIB, (taskSize / 6n) * 5n);
  const random = host.randomizeVaSpace === 0 ? 0n : 1n << BigInt(host.mmapRndBits[arch]);
  const highest = taskSize - gap + PAGE;
  const mmap = { start: taskSize - gap - random * PAGE - VDSO_SIZE, end: highest };
  return [stack, mmap];
}

/**
 * Where the base of a PIE may be. With a stack limit of some gigabytes in a 32-bit process, or tens of
 * terabytes in a 64-bit one, the kernel's own mmap area begins among these: there its choices and ours
 * can meet, and the stub says so.
 */
export function pieBases(arch: Arch, host: HostFacts, align: bigint): Range {
  const { etDynBase } = KERNEL[arch];
  const random = host.randomizeVaSpace === 0 ? 0n : (1n << BigInt(host.mmapRndBits[arch])) * PAGE;
  const down = (address: bigint) => address - (address % align);
  return { start: down(etDynBase), end: down(etDynBase + random) + PAGE };
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}

export const meets = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;
