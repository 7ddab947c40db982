/**
 * Asks the kernel what PR_SET_MM takes, and leaves everything as it was (prctl(2); kernel/sys.c,
 * prctl_set_mm_map and validate_prctl_map_addr).
 */
import { closeSync, openSync } from 'node:fs';
import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import { addressOf, prctl } from './libc.ts';
import { statFields } from './proc.ts';

/** include/uapi/linux/prctl.h */
const PR_SET_MM = 35;
const PR_SET_MM_START_CODE = 1;
const PR_SET_MM_EXE_FILE = 13;
const PR_SET_MM_MAP = 14;
const PR_SET_MM_MAP_SIZE = 15;

const MAP_SIZE = 104;
const AUXV_SIZE_OFFSET = 96;
const EXE_FD_OFFSET = 100;
const AUXV_SIZE = 16;
/** No user memory is ever here, so copying from it is EFAULT. */
const KERNEL_ADDRESS = 0xffff_ffff_ffff_f000n;
/** Above every minimum a kernel is built with. */
const HARMLESS_ADDRESS = 0x10_0000n;
/** proc(5), /proc/PID/stat. */
const START_CODE_FIELD = 26;

/** Candidates for the lowest field: any address, one page, CONFIG_LSM_MMAP_MIN_ADDR as distributions set it. */
const LOWEST_CANDIDATES = [0x1000n, 0x8000n, 0x10000n];

/** The size of struct prctl_mm_map as this kernel knows it, or the name of the error. */
export function mmMapSize(): number | string {
  const size = Buffer.alloc(8);
  const result = prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, addressOf(size), 0, 0);
  return typeof result === 'string' ? result : size.readUInt32LE(0);
}

/**
 * Asks whether PR_SET_MM_MAP would take fields at `address`: undefined is yes, else the name of the error.
 *
 * Nothing is ever set: the kernel copies the auxv after it has checked the fields and before it changes
 * anything, and the auxv offered here is at an address no process has. Setting the fields to themselves
 * would not do, because brk moves whenever anything in this process allocates memory.
 */
export function probeMmMap(address: bigint = HARMLESS_ADDRESS): string | undefined {
  const result = setMmMap(address, { auxvSize: AUXV_SIZE, exeFd: -1 });
  return result === 'EFAULT' ? undefined : String(result);
}

/**
 * Asks whether this process may set its exe file, as part of the map or by PR_SET_MM_EXE_FILE alone: undefined is
 * yes, else the name of the error. A file that is not regular is refused with EACCES, but only to those who have
 * the privilege (EPERM).
 */
export function probeExeFile(by: 'map' | 'field'): string | undefined {
  const fd = openSync('/dev/null', 'r');
  try {
    const result =
      by === 'map'
        ? setMmMap(HARMLESS_ADDRESS, { auxvSize: 0, exeFd: fd })
        : prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0);
    return result === 'EACCES' ? undefined : String(result);
  } finally {
    closeSync(fd);
  }
}

function setMmMap(
  address: bigint,
  { auxvSize, exeFd }: { auxvSize: number; exeFd: number },
): number | string {
  const map = Buffer.alloc(MAP_SIZE);
  MM_FIELD_NAMES.forEach((name, index) => {
    map.writeBigUInt64LE(name === 'end_code' ? address + 1n : address, index * 8);
  });
  map.writeBigUInt64LE(KERNEL_ADDRESS, MM_FIELD_NAMES.indexOf('auxv') * 8);
  map.writeUInt32LE(auxvSize, AUXV_SIZE_OFFSET);
  map.writeInt32LE(exeFd, EXE_FD_OFFSET);
  return prctl(PR_SET_MM, PR_SET_MM_MAP, addressOf(map), MAP_SIZE, 0);
}

/**
 * Asks whether the calls by field are allowed, and whether they take fields at `address`: undefined is yes, else
 * the name of the error. Only setting a field tells; start_code is one that nothing but /proc/PID/stat shows.
 */
export function probeMmField(address?: bigint): string | undefined {
  const current = statFields()(START_CODE_FIELD);
  const result = prctl(PR_SET_MM, PR_SET_MM_START_CODE, address ?? current, 0, 0);
  if (result === 0) prctl(PR_SET_MM, PR_SET_MM_START_CODE, current, 0, 0);
  return result === 0 ? undefined : String(result);
}

/** The lowest address the kernel takes in a field, by PR_SET_MM_MAP or, where that is refused, by field. */
export function lowestMmField(): bigint {
  for (const probe of [probeMmMap, probeMmField]) {
    const lowest = LOWEST_CANDIDATES.find((address) => probe(address) === undefined);
    if (lowest !== undefined) return lowest;
  }
  return HARMLESS_ADDRESS;
}
