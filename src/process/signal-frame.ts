/**
 * The frame that rt_sigreturn takes, as the kernel puts it on a stack when it calls a handler: struct rt_sigframe
 * (arch/x86/include/asm/sigframe.h), struct ucontext and struct sigcontext_64 (asm/ucontext.h, asm/sigcontext.h). It
 * gives a thread all of its registers at once, and its signal mask and alternate stack.
 */
import type { RegisterName, ThreadState } from '../image/process-state.ts';
import { XSAVE, xstateForFrame } from './xstate.ts';

export interface FrameInput extends Pick<ThreadState, 'registers' | 'xstate' | 'fpregs' | 'signalMask'> {
  /** `keep` leaves the thread the one it has. */
  readonly alternateStack: ThreadState['alternateStack'] | 'keep';
}

export interface SignalFrame {
  /** Where the bytes are to be. */
  readonly at: bigint;
  readonly bytes: Uint8Array;
  /** The stack pointer when rt_sigreturn is called. */
  readonly sp: bigint;
}

/** System V psABI, 3.2.2: what lies so far below the stack pointer is the function's own. */
const RED_ZONE = 128n;

/** Bytes from the start of struct rt_sigframe. */
const FRAME = {
  uc_flags: 8,
  uc_stack: { ss_sp: 24, ss_flags: 32, ss_size: 40 },
  mcontext: 48,
  uc_sigmask: 304,
  /** pretcode, struct ucontext and siginfo_t. */
  size: 440,
} as const;

/** struct sigcontext_64, 64-bit words from its start. */
const SIGCONTEXT: readonly RegisterName[] = [
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'rdi',
  'rsi',
  'rbp',
  'rbx',
  'rdx',
  'rax',
  'rcx',
  'rsp',
  'rip',
  'eflags',
];
const SIGCONTEXT_CS = 144;
const SIGCONTEXT_SS = 150;
const SIGCONTEXT_FPSTATE = 184;

/** UC_FP_XSTATE, UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS. */
const UC_FLAGS = 7n;
const SS_DISABLE = 2;
/** No mode of sigaltstack(2), so that the kernel leaves it (restore_altstack takes no notice of the error). */
const SS_INVALID = 0x4000_0000;
const POINTER_SIZE = 8n;

const alignDown = (address: bigint, align: bigint): bigint => address - (address % align);

/**
 * A frame for a stack whose pointer is `stackPointer`, as far below as a handler's would be. The registers must not be in an
 * interrupted system call (restart.ts).
 */
export function signalFrame(thread: FrameInput, stackPointer: bigint): SignalFrame {
  const fpstate = xstateForFrame(thread);
  const fpAt = alignDown(stackPointer - RED_ZONE - BigInt(fpstate.length), XSAVE.align);
  // As after a call instruction: the stack pointer is a multiple of 16 before the return address (psABI, 3.2.2).
  const at = alignDown(fpAt - BigInt(FRAME.size), 16n) - POINTER_SIZE;
  const bytes = new Uint8Array(Number(fpAt - at) + fpstate.length);
  writeFrame(new DataView(bytes.buffer), thread, fpAt);
  bytes.set(fpstate, Number(fpAt - at));
  return { at, bytes, sp: at + POINTER_SIZE };
}

/** The most bytes below a stack pointer that a frame takes with so many bytes of XSAVE state. */
export function frameRoom(xstateSize: number): bigint {
  return RED_ZONE + BigInt(xstateSize) + 4n + XSAVE.align + BigInt(FRAME.size) + 24n;
}

function writeFrame(
  view: DataView,
  { registers, signalMask, alternateStack }: FrameInput,
  fpAt: bigint,
): void {
  view.setBigUint64(FRAME.uc_flags, UC_FLAGS, true);
  const { ss_sp, ss_flags, ss_size } = FRAME.uc_stack;
  if (alternateStack === 'keep') view.setUint32(ss_flags, SS_INVALID, true);
  else if (alternateStack === undefined) view.setUint32(ss_flags, SS_DISABLE, true);
  else {
    view.setBigUint64(ss_sp, alternateStack.address, true);
    view.setUint32(ss_flags, alternateStack.flags, true);
    view.setBigUint64(ss_size, alternateStack.size, true);
  }
  SIGCONTEXT.forEach((name, index) => {
    view.setBigUint64(FRAME.mcontext + index * 8, registers[name], true);
  });
  view.setUint16(FRAME.mcontext + SIGCONTEXT_CS, Number(registers.cs), true);
  view.setUint16(FRAME.mcontext + SIGCONTEXT_SS, Number(registers.ss), true);
  view.setBigUint64(FRAME.mcontext + SIGCONTEXT_FPSTATE, fpAt, true);
  view.setBigUint64(FRAME.uc_sigmask, signalMask, true);
}
