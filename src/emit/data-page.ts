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
  /** Where an interpreter is entered that the stub itself has loaded. */
  interpEntry: AUXV_TABLE_SIZE * 8 + 56,
  /** The vDSO's pages. */
  vdso: AUXV_TABLE_SIZE * 8 + 192,
  vdsoSize: AUXV_TABLE_SIZE * 8 + 200,
  /** What each call of PR_SET_MM by field came to last, by its number: a word each. */
  results: AUXV_TABLE_SIZE * 8 + 64,
  /** Copied in whole from the stub's file: see SETTINGS. */
  settings: AUXV_TABLE_SIZE * 8 + 208,
  /** Likewise: texts and tables that the hand-over code reads. */
  constants: AUXV_TABLE_SIZE * 8 + 400,
  /** A message under construction, up to the end of the page. */
  message: 2560,
  /** What the step that loads an interpreter remembers: it is over long before there is a message. */
  interpreter: 2560,
} as const;

/** What a reusable plan's stub finds out, in place of the end of a message: no reusable plan reports anything. */
const ADOPTED_FROM = 3584;
const word = (index: number) => ADOPTED_FROM + index * 8;

export const ADOPTED = {
  /** Where things are in the first stack: at first as found, in the end as the program is to find them. */
  sp: word(0),
  argv: word(1),
  envp: word(2),
  auxv: word(3),
  auxvEnd: word(4),
  arg_start: word(5),
  env_start: word(6),
  env_end: word(7),
  /** How far the strings move, how far the words move, and where the strings begin then. */
  delta: word(8),
  shift: word(9),
  newArgStart: word(10),
  heap: word(11),
  /** The descriptor of the file that the stub itself has opened: its own, or the program's. */
  opened: word(12),
  /** Two words: for the base and for the heap. */
  random: word(13),
  /** Bytes of the first argument with its NUL, where that is the file's name. */
  nameSize: word(15),
  /** struct rlimit64. */
  stackLimit: word(16),
} as const;

export const BASE_OFFSET: Record<Exclude<Base, 'absolute'>, number> = {
  stack: DATA.stack,
  image: DATA.image,
  interp: DATA.interp,
  heap: ADOPTED.heap,
  sp: ADOPTED.sp,
  auxv: ADOPTED.auxv,
  arg_start: ADOPTED.arg_start,
  env_start: ADOPTED.env_start,
  env_end: ADOPTED.env_end,
};

/** struct prctl_mm_map: twelve u64, then auxv_size and exe_fd as u32. The same in 32-bit processes. */
export const MM_MAP = { size: 104, auxv_size: 96, exe_fd: 100 } as const;

/** struct rlimit64: two u64. */
export const RLIMIT64 = { size: 16, rlim_cur: 0, rlim_max: 8 } as const;

/** What the stub's file brings along for the data page; offsets from DATA.settings. */
export const SETTINGS = {
  mmMap: 0,
  comm: MM_MAP.size,
  /** Bytes of the stub's file mapping, known only when all of it has been emitted. */
  fileSize: MM_MAP.size + 16,
  /** What the calls by field set besides the fields of the map. */
  lowest: MM_MAP.size + 24,
  highest: MM_MAP.size + 32,
  exe: MM_MAP.size + 40,
  /** RLIMIT_DATA as it is to be during those calls, then as it was before. */
  dataLimit: MM_MAP.size + 48,
  size: MM_MAP.size + 48 + RLIMIT64.size,
} as const;
