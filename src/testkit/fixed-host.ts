/** Host facts that are the same everywhere, so that plans depend on nothing of the machine they are made on. */
import { AT } from '../process/auxv.ts';
import type { HostFacts } from '../process/host.ts';

/** What Linux 6.18 gives a 64-bit process, in its order (create_elf_tables and ARCH_DLINFO). */
export const AUXV_TYPES = [
  AT.SYSINFO_EHDR,
  AT.MINSIGSTKSZ,
  AT.HWCAP,
  AT.PAGESZ,
  AT.CLKTCK,
  AT.PHDR,
  AT.PHENT,
  AT.PHNUM,
  AT.BASE,
  AT.FLAGS,
  AT.ENTRY,
  AT.UID,
  AT.EUID,
  AT.GID,
  AT.EGID,
  AT.SECURE,
  AT.RANDOM,
  AT.HWCAP2,
  AT.EXECFN,
  AT.PLATFORM,
  AT.RSEQ_FEATURE_SIZE,
  AT.RSEQ_ALIGN,
] as const;

/** Bytes that count upwards, and go on counting from call to call. */
export function countingBytes(): (length: number) => Uint8Array {
  let next = 1;
  return (length) => Uint8Array.from({ length }, () => next++ & 0xff);
}

const ENOUGH = 1n << 64n;

/** A machine with nothing randomised, unless told otherwise. */
export function fixedHost(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    auxvTypes: AUXV_TYPES,
    randomizeVaSpace: 0,
    mmapRndBits: { x86_64: 28, i386: 8 },
    stackLimit: 8n * 1024n * 1024n,
    lowestMapping: () => 0n,
    lowestMmField: () => 0x10000n,
    vdsoPieces: () => [
      { offset: -0x4000n, size: 0x4000n },
      { offset: 0n, size: 0x2000n },
    ],
    memoryLimits: () => ({ addressSpace: ENOUGH, data: ENOUGH, single: ENOUGH, total: ENOUGH }),
    random: countingBytes(),
    ...changes,
  };
}
