/** i386 on a 32- or 64-bit kernel: int 0x80; arch/x86/entry/syscalls/syscall_32.tbl. */
import type { Machine } from './machine.ts';
import { REG } from './x86.ts';

export const machine: Machine = {
  bits: 32,
  elf: { class: 1, machine: 3 },
  systemCalls: {
    // mmap2, whose offset counts pages.
    mmap: 192,
    mprotect: 125,
    munmap: 91,
    mremap: 163,
    madvise: 219,
    mlock2: 376,
    fallocate: 324,
    pread64: 180,
    pwrite64: 181,
    prctl: 172,
    prlimit64: 340,
    open: 5,
    dup2: 63,
    close: 6,
    lseek: 19,
    execve: 11,
    // fstat64, which has 64-bit sizes.
    fstat: 197,
    getrandom: 355,
    write: 4,
    getpid: 20,
    kill: 37,
    rt_sigprocmask: 175,
    rt_sigreturn: 173,
    exit_group: 252,
  },
  parameters: [REG.bx, REG.cx, REG.dx, REG.si, REG.di, REG.bp],
  dataRegister: undefined,
  zeroAtEntry: [REG.dx, REG.si, REG.di, REG.bp],
  // int 0x80 returns with every register but ax as it was.
  dirtyAfterUnmap: [REG.bx, REG.cx],
  mmapOffsetUnit: 4096n,
  offsetArguments: (offset) => [offset & 0xffff_ffffn, offset >> 32n],
  ehdr: { e_shoff: 0x20, e_shentsize: 0x2e, e_shnum: 0x30 },
};
