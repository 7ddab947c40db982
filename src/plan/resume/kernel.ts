/** Constants of the kernel's headers that the steps of a ResumePlan are made with. */

/** include/uapi/asm-generic/fcntl.h, arch/x86 has no others. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  ASYNC: 0o20000,
  DIRECT: 0o40000,
  DIRECTORY: 0o200000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  /** __O_TMPFILE, which open(2) wants together with O_DIRECTORY. */
  TMPFILE: 0o20000000,
} as const;

export const AT_FDCWD = BigInt.asUintN(64, -100n);
export const NONE = BigInt.asUintN(64, -1n);

/** fcntl(2) */
export const F = {
  DUPFD: 0,
  SETFD: 2,
  SETFL: 4,
  SETLK: 6,
  OFD_SETLK: 37,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  ADD_SEALS: 1033,
} as const;
/** flock(2) */
export const LOCK = { SH: 1, EX: 2, NB: 4 } as const;
export const F_RDLCK = 0;
export const F_WRLCK = 1;

/** mmap(2): include/uapi/asm-generic/mman-common.h and mman.h */
export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;
export const MAP = {
  SHARED: 0x01,
  PRIVATE: 0x02,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  GROWSDOWN: 0x100,
  NORESERVE: 0x4000,
  FIXED_NOREPLACE: 0x10_0000,
} as const;
/** mremap(2): MREMAP_MAYMOVE | MREMAP_FIXED */
export const MREMAP_TO = 3;

/** prctl(2), include/uapi/linux/prctl.h */
export const PR = {
  SET_PDEATHSIG: 1,
  SET_DUMPABLE: 4,
  SET_KEEPCAPS: 8,
  SET_NAME: 15,
  CAPBSET_DROP: 24,
  SET_SECUREBITS: 28,
  SET_TIMERSLACK: 29,
  SET_MM: 35,
  SET_CHILD_SUBREAPER: 36,
  SET_NO_NEW_PRIVS: 38,
  SET_THP_DISABLE: 41,
  CAP_AMBIENT: 47,
  SET_VMA: 0x53564d41,
} as const;
export const PR_SET_VMA_ANON_NAME = 0;
export const PR_CAP_AMBIENT_RAISE = 2;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** arch_prctl(2) */
export const ARCH_SET_GS = 0x1001;
export const ARCH_SET_FS = 0x1002;

export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
/** sizeof(sigset_t) to the kernel. */
export const SIGSET_SIZE = 8;

export const SEEK_SET = 0;
/** fallocate(2): FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
export const PUNCH_HOLE = 3;
