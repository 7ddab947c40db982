/**
 * Asks the kernel what PR_SET_MM takes, by setting this process's own fields to what they are already
 * (prctl(2); kernel/sys.c, validate_prctl_map_addr). A probe that is refused changes nothing.
 */
import { MM_FIELD_NAMES, type MmFieldName } from '../process/mm-fields.ts';
import { addressOf, prctl } from './libc.ts';
import { readText, statFields } from './proc.ts';

/** include/uapi/linux/prctl.h */
export const PR_SET_MM = 35;
export const PR_SET_MM_START_CODE = 1;
const PR_SET_MM_MAP = 14;
const PR_SET_MM_MAP_SIZE = 15;

const MAP_SIZE = 104;
const EXE_FD_OFFSET = 100;

/** Candidates for the lowest field: any address, one page, CONFIG_LSM_MMAP_MIN_ADDR as distributions set it. */
const LOWEST_CANDIDATES = [0x1000n, 0x8000n, 0x10000n];

/** The size of struct prctl_mm_map as this kernel knows it, or the name of the error. */
export function mmMapSize(): number | string {
  const size = Buffer.alloc(8);
  const result = prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, addressOf(size), 0, 0);
  return typeof result === 'string' ? result : size.readUInt32LE(0);
}

/**
 * Sets this process's fields to themselves but for `changes`: 0, or the name of the error. With the
 * process's own executable as `exeFd` the answer is EBUSY where setting it is allowed, and else EPERM.
 */
export function tryMmMap(changes: Partial<Record<MmFieldName, bigint>> = {}, exeFd = -1): number | string {
  const now = currentFields();
  const map = Buffer.alloc(MAP_SIZE);
  MM_FIELD_NAMES.forEach((name, index) => {
    map.writeBigUInt64LE(changes[name] ?? now[name], index * 8);
  });
  map.writeInt32LE(exeFd, EXE_FD_OFFSET);
  return prctl(PR_SET_MM, PR_SET_MM_MAP, addressOf(map), MAP_SIZE, 0);
}

/** PR_SET_MM_START_CODE with the value it has: 0, or the name of the error. */
export function trySetStartCode(): number | string {
  return prctl(PR_SET_MM, PR_SET_MM_START_CODE, currentFields().start_code, 0, 0);
}

/** The lowest address PR_SET_MM_MAP takes in a field. */
export function lowestMmField(): bigint {
  const last = LOWEST_CANDIDATES.length - 1;
  const accepted = LOWEST_CANDIDATES.find(
    (start_code, index) => index === last || tryMmMap({ start_code }) === 0,
  );
  tryMmMap();
  return accepted ?? 0n;
}

/** /proc/self/stat, fields 26-28 and 45-51; brk from the end of the heap. */
function currentFields(): Record<MmFieldName, bigint> {
  const stat = statFields();
  const heap = readText('/proc/self/maps')?.match(/^[0-9a-f]+-([0-9a-f]+) .*\[heap\]$/m)?.[1];
  const start_brk = stat(47);
  return {
    start_code: stat(26),
    end_code: stat(27),
    start_stack: stat(28),
    start_data: stat(45),
    end_data: stat(46),
    start_brk,
    brk: heap === undefined ? start_brk : BigInt(`0x${heap}`),
    arg_start: stat(48),
    arg_end: stat(49),
    env_start: stat(50),
    env_end: stat(51),
    auxv: stat(28),
  };
}
