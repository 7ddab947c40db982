/** Finds out what the planner must know about this machine and this process. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { PAGE_SIZE } from '../process/address-space.ts';
import { parseAuxvTypes } from '../process/auxv.ts';
import type { HostFacts, MemoryLimits, VdsoPiece } from '../process/host.ts';
import { lowestMmField } from './mm-probe.ts';
import {
  CAPABILITY,
  inInitialUserNamespace,
  keepsCapability,
  personality,
  readNumber,
  readText,
  softLimit,
} from './proc.ts';

const UNLIMITED = (1n << 64n) - 1n;
const ADDR_NO_RANDOMIZE = 0x0040000;
/** CONFIG_ARCH_MMAP_RND_BITS and its compat twin on x86; the sysctls are root's to read. */
const DEFAULT_RND_BITS = { x86_64: 28, i386: 8 };
const DEFAULT_MMAP_MIN_ADDR = 65536;

export function hostFacts(): HostFacts {
  return {
    auxvTypes: parseAuxvTypes(readFileSync('/proc/self/auxv')),
    randomizeVaSpace: randomizeVaSpace(),
    mmapRndBits: {
      x86_64: readNumber('/proc/sys/vm/mmap_rnd_bits') ?? DEFAULT_RND_BITS.x86_64,
      i386: readNumber('/proc/sys/vm/mmap_rnd_compat_bits') ?? DEFAULT_RND_BITS.i386,
    },
    stackLimit: softLimit('stack size'),
    lowestMapping: once(lowestMapping),
    lowestMmField: once(lowestMmField),
    vdsoPieces: once(vdsoPieces),
    memoryLimits: once(memoryLimits),
    random: randomBytes,
  };
}

function randomizeVaSpace(): 0 | 1 | 2 {
  if ((personality() & ADDR_NO_RANDOMIZE) !== 0) return 0;
  const setting = readNumber('/proc/sys/kernel/randomize_va_space');
  return setting === 0 || setting === 1 ? setting : 2;
}

/** vm.mmap_min_addr binds those without CAP_SYS_RAWIO (security/commoncap.c, cap_mmap_addr). */
function lowestMapping(): bigint {
  if (keepsCapability(CAPABILITY.SYS_RAWIO) && inInitialUserNamespace()) return 0n;
  const minimum = BigInt(readNumber('/proc/sys/vm/mmap_min_addr') ?? DEFAULT_MMAP_MIN_ADDR);
  return minimum - (minimum % PAGE_SIZE);
}

/** This process's own: a 32-bit program's differ only in code, and the stub checks before it relies on them. */
function vdsoPieces(): VdsoPiece[] {
  // No regular expression over all of it: that takes half a millisecond when it runs for the first time.
  const lines = readText('/proc/self/maps')?.split('\n') ?? [];
  const ranges = lines
    .filter((line) => line.endsWith('[vdso]') || line.includes('[vvar'))
    .map((line) => {
      const [start = '', end = ''] = line.slice(0, line.indexOf(' ')).split('-');
      return { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) };
    });
  const vdso = ranges.at(-1);
  const gap = ranges.some(({ end }, index) => index + 1 < ranges.length && end !== ranges[index + 1]?.start);
  if (vdso === undefined || gap) return [];
  return ranges.map(({ start, end }) => ({ offset: start - vdso.start, size: end - start }));
}

/** proc_sys_vm(5), overcommit_memory: 0 refuses one mapping of more than there is, 2 keeps an account. */
function memoryLimits(): MemoryLimits {
  const limits = { addressSpace: softLimit('address space'), data: softLimit('data size') };
  const overcommit = readNumber('/proc/sys/vm/overcommit_memory') ?? 0;
  const bytes = (name: string) => memoryField(name) ?? UNLIMITED;
  const single = overcommit === 0 ? bytes('MemTotal') + (memoryField('SwapTotal') ?? 0n) : UNLIMITED;
  const left = bytes('CommitLimit') - (memoryField('Committed_AS') ?? 0n);
  return { ...limits, single, total: overcommit === 2 ? left : UNLIMITED };
}

/** A line of /proc/meminfo, which counts in units of 1024 bytes. */
function memoryField(name: string): bigint | undefined {
  const kilobytes = readText('/proc/meminfo')?.match(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm'))?.[1];
  return kilobytes === undefined ? undefined : BigInt(kilobytes) * 1024n;
}

/** From the kernel directly: node:crypto would cost milliseconds to load. */
function randomBytes(length: number): Uint8Array {
  const fd = openSync('/dev/urandom', 'r');
  try {
    const bytes = Buffer.alloc(length);
    if (readSync(fd, bytes) !== length) throw new Error('/dev/urandom gave too few bytes');
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function once<T>(find: () => T): () => T {
  let found: { value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}
