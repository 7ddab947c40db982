/** x86-64: System V psABI, appendix A.2.1 (Linux system calls); arch/x86/entry/syscalls/syscall_64.tbl. */
import type { Machine } from './machine.ts';
import { REG } from './x86.ts';

export const machine: Machine = {
  bits: 64,
  elf: { class: 2, machine: 62 },
  systemCalls: {
    mmap: 9,
    mprotect: 10,
    munmap: 11,
    mremap: 25,
    madvise: 28,
    mlock2: 325,
    fallocate: 285,
    pread64: 17,
    pwrite64: 18,
    prctl: 157,
    prlimit64: 302,
    open: 2,
    dup2: 33,
    close: 3,
    lseek: 8,
    execve: 59,
    fstat: 5,
    getrandom: 318,
    write: 1,
    getpid: 39,
    kill: 62,
    rt_sigprocmask: 14,
    rt_sigreturn: 15,
    exit_group: 231,
  },
  parameters: [REG.di, REG.si, REG.dx, REG.r10, REG.r8, REG.r9],
  // The system call instruction destroys cx and r11; r13 is free of other uses.
  dataRegister: REG.r13,
  zeroAtEntry: [REG.dx, REG.bx, REG.bp, REG.r8, REG.r9, REG.r10, REG.r12, REG.r13, REG.r14, REG.r15],
  dirtyAfterUnmap: [REG.cx, REG.r11, REG.di, REG.si],
  mmapOffsetUnit: 1n,
  offsetArguments: (offset) => [offset],
  ehdr: { e_shoff: 0x28, e_shentsize: 0x3a, e_shnum: 0x3c },
};
