/** What emit/ needs to know of an architecture: each has one file that exports one of these. */
import type { Register } from './x86.ts';

export type SystemCall =
  | 'mmap'
  | 'munmap'
  | 'mprotect'
  | 'mremap'
  | 'madvise'
  | 'mlock2'
  | 'fallocate'
  | 'pread64'
  | 'pwrite64'
  | 'prctl'
  | 'prlimit64'
  | 'open'
  | 'dup2'
  | 'close'
  | 'lseek'
  | 'execve'
  | 'fstat'
  | 'getrandom'
  | 'write'
  | 'getpid'
  | 'kill'
  | 'rt_sigprocmask'
  | 'rt_sigreturn'
  | 'exit_group';

export interface Machine {
  readonly bits: 32 | 64;
  /** ELF identification of the stub. */
  readonly elf: { readonly class: 1 | 2; readonly machine: number };
  readonly systemCalls: Readonly<Record<SystemCall, number>>;
  /** Registers of a system call's arguments, in order. The number goes in, and the result comes out, in ax. */
  readonly parameters: readonly [Register, Register, Register, Register, Register, Register];
  /** Holds the address of the stub's data page; undefined where absolute addresses reach it. */
  readonly dataRegister: Register | undefined;
  /** All that must be zero when the program is entered, except those the exit sequence uses and clears. */
  readonly zeroAtEntry: readonly Register[];
  /** Changed by the last munmap of the exit sequence, in the order in which it clears them. */
  readonly dirtyAfterUnmap: readonly Register[];
  /** mmap's file offset in bytes or, for mmap2, in pages. */
  readonly mmapOffsetUnit: bigint;
  /** A 64-bit offset as system call arguments. */
  readonly offsetArguments: (offset: bigint) => bigint[];
  /** Offsets in the ELF header of the vDSO (elf.h, ElfN_Ehdr). */
  readonly ehdr: { readonly e_shoff: number; readonly e_shentsize: number; readonly e_shnum: number };
}
