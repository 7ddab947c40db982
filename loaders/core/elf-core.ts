/**
 * Core files: ET_CORE of the System V gABI, with notes as fs/binfmt_elf.c writes them (struct elf_prstatus and
 * elf_prpsinfo of include/linux/elfcore.h) and our own beside them. docs/checkpoint-format.md specifies ours.
 */

export const ET_CORE = 4;
export const EM_X86_64 = 62;
export const PT = { LOAD: 1, NOTE: 4, OBJECT: 0x6f626a74 } as const;
export const PF = { X: 1, W: 2, R: 4 } as const;
/** More program headers than e_phnum counts: the number is in sh_info of section header 0. */
export const PN_XNUM = 0xffff;

export const EHDR = {
  size: 64,
  e_type: 16,
  e_machine: 18,
  e_version: 20,
  e_phoff: 32,
  e_shoff: 40,
  e_ehsize: 52,
  e_phentsize: 54,
  e_phnum: 56,
  e_shentsize: 58,
  e_shnum: 60,
} as const;

export const SHDR = { size: 64, sh_size: 32, sh_info: 44 } as const;

export const PHDR = {
  size: 56,
  p_type: 0,
  p_flags: 4,
  p_offset: 8,
  p_vaddr: 16,
  p_paddr: 24,
  p_filesz: 32,
  p_memsz: 40,
  p_align: 48,
} as const;

/** n_type, under CORE but for X86_XSTATE, which is under LINUX. */
export const NT = {
  PRSTATUS: 1,
  FPREGSET: 2,
  PRPSINFO: 3,
  AUXV: 6,
  X86_XSTATE: 0x202,
  FILE: 0x46494c45,
  SIGINFO: 0x53494749,
} as const;

export const PRSTATUS = {
  size: 336,
  pr_cursig: 12,
  pr_sigpend: 16,
  pr_sighold: 24,
  pr_pid: 32,
  pr_ppid: 36,
  pr_pgrp: 40,
  pr_sid: 44,
  pr_reg: 112,
  regSize: 216,
  pr_fpvalid: 328,
} as const;

export const PRPSINFO = {
  size: 136,
  pr_sname: 1,
  pr_nice: 3,
  pr_uid: 16,
  pr_gid: 20,
  pr_pid: 24,
  pr_ppid: 28,
  pr_pgrp: 32,
  pr_sid: 36,
  pr_fname: 40,
  fnameSize: 16,
  pr_psargs: 56,
  psargsSize: 80,
} as const;

/** Our owner name, and what the last note of a whole file is. */
export const OWNER = 'RUNFOREIGN';
export const DIGEST = { type: 0x5246_0100, size: 32 } as const;

export const PAGE_SIZE = 4096;

/** A note as it stands in the file: name and content each padded to 4 bytes. */
export function note(owner: string, type: number, content: Uint8Array): Buffer {
  const name = Buffer.from(`${owner}\0`, 'latin1');
  const bytes = Buffer.alloc(12 + padded(name.length) + padded(content.length));
  bytes.writeUInt32LE(name.length, 0);
  bytes.writeUInt32LE(content.length, 4);
  bytes.writeUInt32LE(type, 8);
  bytes.set(name, 12);
  bytes.set(content, 12 + padded(name.length));
  return bytes;
}

export const padded = (size: number): number => Math.ceil(size / 4) * 4;

/** Bytes of the note at the end, with its header. */
export const DIGEST_NOTE_SIZE = 12 + padded(OWNER.length + 1) + DIGEST.size;
