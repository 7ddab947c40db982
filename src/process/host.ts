/** What the planner must know about the machine; native/host-facts.ts finds it out. */

/** One of the mappings that make up the kernel's vDSO: `[vvar]`, `[vdso]`. */
export interface VdsoPiece {
  /** Bytes from the start of `[vdso]`; the data pages before it have negative ones. */
  readonly offset: bigint;
  readonly size: bigint;
}

export interface HostFacts {
  /** AT_ numbers in the order in which the kernel gives them to a 64-bit process, without AT_NULL. */
  readonly auxvTypes: readonly number[];
  /** kernel.randomize_va_space, or 0 under `setarch -R`. 2 moves the heap as well. */
  readonly randomizeVaSpace: 0 | 1 | 2;
  /** vm.mmap_rnd_bits and vm.mmap_rnd_compat_bits: pages of randomness in a base. */
  readonly mmapRndBits: { readonly x86_64: number; readonly i386: number };
  /** Soft RLIMIT_STACK, bytes. */
  readonly stackLimit: bigint;
  /** The lowest address this process may map. */
  readonly lowestMapping: () => bigint;
  /** The lowest address PR_SET_MM_MAP takes in a field; it can be above the lowest mapping. */
  readonly lowestMmField: () => bigint;
  /** From low to high and without gaps, `[vdso]` last; empty where there is none. */
  readonly vdsoPieces: () => readonly VdsoPiece[];
  readonly memoryLimits: () => MemoryLimits;
  readonly random: (length: number) => Uint8Array;
}

/** The most memory a process may map, bytes; larger than any address space where nothing limits it. */
export interface MemoryLimits {
  /** Soft RLIMIT_AS: all mappings together. */
  readonly addressSpace: bigint;
  /** Soft RLIMIT_DATA: all private writable ones. */
  readonly data: bigint;
  /** One private writable mapping alone, and all of them: what vm.overcommit_memory says. */
  readonly single: bigint;
  readonly total: bigint;
}

/** A random integer in [0, limit). */
export function randomBelow(host: Pick<HostFacts, 'random'>, limit: bigint): bigint {
  if (limit <= 1n) return 0n;
  const bytes = host.random(16);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value % limit;
}
