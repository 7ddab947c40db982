/**
 * The stub's one writable page: what it must remember, at fixed offsets. The page begins as zeros.
 */
import { AUXV_TABLE_SIZE } from '../process/auxv.ts';
import type { Base } from '../process/place.ts';

/** Offsets in bytes; every entry has room for a 64-bit word. */
export const DATA = {
  /** The kernel's auxv by AT_ number: AUXV_TABLE_SIZE words. */
  auxv: 0,
  stack: AUXV_TABLE_SIZE * 8,
  image: AUXV_TABLE_SIZE * 8 + 8,
  interp: AUXV_TABLE_SIZE * 8 + 16,
  /** Where the last jump goes: into the exit sequence. */
  exit: AUXV_TABLE_SIZE * 8 + 24,
  scratch: AUXV_TABLE_SIZE * 8 + 32,
  scratch2: AUXV_TABLE_SIZE * 8 + 40,
  scratch3: AUXV_TABLE_SIZE * 8 + 48,
  /** Copied in whole from the stub's file: see Settings. */
  settings: AUXV_TABLE_SIZE * 8 + 64,
} as const;

export const BASE_OFFSET: Record<Exclude<Base, 'absolute'>, number> = {
  stack: DATA.stack,
  image: DATA.image,
  interp: DATA.interp,
};

/** struct prctl_mm_map: twelve u64, then auxv_size and exe_fd as u32. The same in 32-bit processes. */
export const MM_MAP = { size: 104, auxv_size: 96, exe_fd: 100 } as const;

/** What the stub's file brings along for the data page; offsets from DATA.settings. */
export const SETTINGS = {
  mmMap: 0,
  comm: MM_MAP.size,
  /** Bytes of the stub's file mapping, known only when all of it has been emitted. */
  fileSize: MM_MAP.size + 16,
  size: MM_MAP.size + 24,
} as const;
