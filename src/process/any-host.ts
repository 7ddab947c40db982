/** Facts that plans are made with when nobody knows which machine they will serve: nothing is random, nothing is scarce. */
import type { HostFacts } from './host.ts';

/** More than any address space. */
const ENOUGH = 1n << 64n;

/**
 * A Linux as it comes. The same for everybody, so that what is planned with it is the same, too; random choices are for
 * the stub to make.
 */
export const ANY_HOST: HostFacts = {
  auxvTypes: [],
  randomizeVaSpace: 2,
  // CONFIG_ARCH_MMAP_RND_BITS and its compat twin, as arch/x86/Kconfig sets them.
  mmapRndBits: { x86_64: 28, i386: 8 },
  stackLimit: 8n * 1024n * 1024n,
  lowestMapping: () => 0n,
  lowestMmField: () => 0x10000n,
  vdsoPieces: () => [],
  memoryLimits: () => ({ addressSpace: ENOUGH, data: ENOUGH, single: ENOUGH, total: ENOUGH }),
  random: (length) => new Uint8Array(length),
};
