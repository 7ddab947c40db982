/**
 * The frame with which rt_sigreturn(2) gives a process the registers that execve gives it: struct rt_sigframe and
 * struct rt_sigframe_ia32 (arch/x86/include/asm/sigframe.h), with struct ucontext, and struct sigcontext_64 or
 * sigcontext_32 (asm/ucontext.h, asm/sigcontext.h). Without a pointer to floating point state the kernel resets that.
 */
import type { Arch } from '../image/image.ts';

/** Offsets are bytes from the frame's start. */
export interface EntryFrame {
  /** All that the kernel reads of it; the rest of the structure is the signal's, and may be anything. */
  readonly bytes: Uint8Array;
  /** Where the addresses and the signal mask belong, which only the process itself knows. */
  readonly ip: number;
  readonly sp: number;
  readonly dx: number;
  readonly mask: number;
}

/** X86_EFLAGS_FIXED and X86_EFLAGS_IF: what start_thread sets. */
const ENTRY_FLAGS = 0x202;
/** UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS. */
const UC_FLAGS = 6;
const SS_DISABLE = 2;
/** __USER_CS, __USER32_CS and __USER_DS, arch/x86/include/asm/segment.h. */
const SEGMENTS = { cs: 0x33, cs32: 0x23, ds: 0x2b };
const MASK_SIZE = 8;

/** Bytes that lie between the frame and the stack pointer, at most. */
export const ENTRY_FRAME_ROOM = 512;

export function entryFrame(arch: Arch): EntryFrame {
  return arch === 'x86_64' ? frame64() : frame32();
}

function frame64(): EntryFrame {
  const [ucontext, mcontext, mask] = [8, 48, 304];
  const bytes = new Uint8Array(mask + MASK_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(ucontext, UC_FLAGS, true);
  view.setUint32(ucontext + 24, SS_DISABLE, true);
  view.setUint32(mcontext + 17 * 8, ENTRY_FLAGS, true);
  view.setUint16(mcontext + 144, SEGMENTS.cs, true);
  view.setUint16(mcontext + 150, SEGMENTS.ds, true);
  return { bytes, dx: mcontext + 12 * 8, sp: mcontext + 15 * 8, ip: mcontext + 16 * 8, mask };
}

function frame32(): EntryFrame {
  const [ucontext, mcontext, mask] = [144, 164, 252];
  const bytes = new Uint8Array(mask + MASK_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(ucontext + 12, SS_DISABLE, true);
  for (const segment of [8, 12, 72]) view.setUint16(mcontext + segment, SEGMENTS.ds, true);
  view.setUint16(mcontext + 60, SEGMENTS.cs32, true);
  view.setUint32(mcontext + 64, ENTRY_FLAGS, true);
  return { bytes, dx: mcontext + 36, sp: mcontext + 28, ip: mcontext + 56, mask };
}
