/** The auxiliary vector. Numbers and names: include/uapi/linux/auxvec.h, arch/x86/include/uapi/asm/auxvec.h. */
import type { Arch } from '../image/image.ts';

export const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  BASE_PLATFORM: 24,
  RANDOM: 25,
  HWCAP2: 26,
  RSEQ_FEATURE_SIZE: 27,
  RSEQ_ALIGN: 28,
  HWCAP3: 29,
  HWCAP4: 30,
  EXECFN: 31,
  SYSINFO: 32,
  SYSINFO_EHDR: 33,
  MINSIGSTKSZ: 51,
} as const;

const NAMES = new Map<number, string>(Object.entries(AT).map(([name, type]) => [type, `AT_${name}`]));

export function auxvName(type: number): string {
  return NAMES.get(type) ?? `AT_${type}`;
}

/** The stub keeps what the kernel gave it in a table of this many entries; higher AT_ numbers do not exist. */
export const AUXV_TABLE_SIZE = 64;

/** What the kernel answers to uname's machine in AT_PLATFORM. */
export const PLATFORM: Record<Arch, string> = { x86_64: 'x86_64', i386: 'i686' };

/** The entries a process of `arch` gets, from those a 64-bit one gets (ARCH_DLINFO_IA32 comes first). */
export function auxvTypesFor(arch: Arch, types: readonly number[]): number[] {
  const known = types.filter((type) => type < AUXV_TABLE_SIZE && type !== AT.BASE_PLATFORM);
  return arch === 'i386' ? [AT.SYSINFO, ...known] : known;
}

/** Reads the AT_ numbers out of a 64-bit /proc/PID/auxv. */
export function parseAuxvTypes(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const types: number[] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const type = Number(view.getBigUint64(at, true));
    if (type === AT.NULL) break;
    types.push(type);
  }
  return types;
}
