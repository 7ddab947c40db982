/**
 * System calls made by a stopped thread of another process, to ask the kernel what it tells nobody else. The thread is
 * unharmed even if this process dies in between, when the kernel lets it go with the registers it has just then: it finds
 * itself in code that makes the call, which changes nothing, and then rt_sigreturn, which gives it back all its registers.
 *
 * That code stands in the unused bytes behind the vDSO's image, which every process may execute, and the frame for
 * rt_sigreturn (src/process/signal-frame.ts) at the lower end of the stack area, or below the thread's own stack pointer
 * where it is too near. All of it is as before in the end.
 */
import { errnoName } from '../errno.ts';
import type { Range } from '../image/image.ts';
import { REGISTER_NAMES, type RegisterName, type Registers } from '../image/process-state.ts';
import { parseRegisters } from '../image/registers.ts';
import type { ProcessMemory } from '../native/process-memory.ts';
import {
  NT,
  registerSet,
  resume,
  resumeToSystemCall,
  setRegisterSet,
  setSignalMask,
  signalMask,
  waitFor,
  xsaveState,
} from '../native/ptrace.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { restarted } from '../process/restart.ts';
import { frameRoom, type SignalFrame, signalFrame } from '../process/signal-frame.ts';
import { gone, refusal } from './frozen-threads.ts';

/** `syscall`, then rt_sigreturn (15): mov $15, %eax; syscall. */
const CODE = Uint8Array.of(0x0f, 0x05, 0xb8, 15, 0, 0, 0, 0x0f, 0x05);
/** For what the calls answer. */
const RESULT_SIZE = 512n;
const ALL_SIGNALS = 2n ** 64n - 1n;
const CALL_TIMEOUT_MS = 3000;
const NO_SYSTEM_CALL = 2n ** 64n - 1n;
/** How far from the lower end of the stack area the process must be, that we may use it. */
const DISTANCE = 32n * 1024n;

/** psABI, A.2.1. */
const PARAMETERS = ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'] as const;

const offsetOf = (name: RegisterName): number => REGISTER_NAMES.indexOf(name) * 8;

function writeWord(registers: Uint8Array, name: RegisterName, value: bigint): void {
  new DataView(registers.buffer, registers.byteOffset).setBigUint64(offsetOf(name), value, true);
}

/** What is in the target where the calls are made from. */
export interface RemotePlace {
  /** Where the code goes. */
  readonly code: bigint;
  /** The stack area of the first thread. */
  readonly stack: { readonly start: bigint; readonly end: bigint } | undefined;
}

/** Room for the code behind the image that ends where its section headers do; undefined where there is none. */
export function roomBehindVdso(start: bigint, bytes: Uint8Array): bigint | undefined {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = image.readBigUInt64LE(0x28) + BigInt(image.readUInt16LE(0x3a) * image.readUInt16LE(0x3c));
  const size = BigInt(image.length);
  const at = size - 16n;
  return end > 0n && end <= at && size % PAGE_SIZE === 0n ? start + at : undefined;
}

export class RemoteCalls {
  readonly #pid: number;
  readonly #tid: number;
  readonly #memory: ProcessMemory;
  readonly #place: RemotePlace;
  readonly #original: Uint8Array;
  /** The signals it blocks by itself. */
  readonly mask: bigint;
  /** As they are when a call is made. */
  readonly #registers: Uint8Array;
  #blocked = false;
  readonly #frame: SignalFrame;
  readonly #lowest: bigint;
  readonly #saved: Buffer;
  readonly #savedCode: Buffer;

  /** Where the thread may write for a call's answer: RESULT_SIZE bytes. */
  readonly result: bigint;

  /** Takes a thread that is stopped, and not in the vDSO. */
  constructor(pid: number, tid: number, memory: ProcessMemory, place: RemotePlace) {
    this.#pid = pid;
    this.#tid = tid;
    this.#memory = memory;
    this.#place = place;
    this.#original = registerSet(tid, NT.PRSTATUS);
    this.mask = signalMask(tid);
    const registers = parseRegisters(this.#original);
    const xstate = xsaveState(tid);
    const fpregs = registerSet(tid, NT.FPREGSET);
    const thread = {
      registers: restarted(registers),
      xstate,
      fpregs,
      signalMask: this.mask,
      alternateStack: 'keep' as const,
    };
    this.#frame = signalFrame(
      thread,
      this.#stackPointer(registers, frameRoom((xstate ?? fpregs).length) + RESULT_SIZE),
    );
    this.#lowest = this.#frame.at - RESULT_SIZE;
    this.result = this.#lowest;
    const size = Number(RESULT_SIZE) + this.#frame.bytes.length;
    try {
      this.#saved = memory.bytes(this.#lowest, size);
    } catch {
      throw refusal(pid, `thread ${tid} has no room on its stack`);
    }
    this.#registers = Uint8Array.from(this.#original);
    writeWord(this.#registers, 'rsp', this.#frame.sp);
    writeWord(this.#registers, 'orig_rax', NO_SYSTEM_CALL);
    this.#savedCode = memory.bytes(place.code, CODE.length);
    memory.write(place.code, CODE);
    memory.write(this.#frame.at, this.#frame.bytes);
  }

  #stackPointer({ rsp }: Registers, room: bigint): bigint {
    const { stack } = this.#place;
    if (stack !== undefined && stack.start + room < stack.end) {
      const near = rsp >= stack.start && rsp < stack.start + room + DISTANCE;
      if (!near) return stack.start + room;
    }
    return rsp;
  }

  /** The result of a call that changes nothing: negative errors as the kernel gives them. */
  call(number: number, ...args: readonly (bigint | number)[]): bigint {
    writeWord(this.#registers, 'rax', BigInt(number));
    PARAMETERS.forEach((name, index) => {
      writeWord(this.#registers, name, BigInt(args[index] ?? 0));
    });
    // It stands at the end of the call before.
    writeWord(this.#registers, 'rip', this.#place.code);
    setRegisterSet(this.#tid, NT.PRSTATUS, this.#registers);
    // Only now: who is let go before this still has a mask of his own, and afterwards the frame gives it back.
    if (!this.#blocked) setSignalMask(this.#tid, ALL_SIGNALS);
    this.#blocked = true;
    this.#toSystemCall();
    this.#toSystemCall();
    const after = registerSet(this.#tid, NT.PRSTATUS);
    return new DataView(after.buffer, after.byteOffset).getBigInt64(offsetOf('rax'), true);
  }

  /** Likewise, of a call that cannot fail unless something forbids it. */
  ask(name: string, number: number, ...args: readonly (bigint | number)[]): bigint {
    const result = this.call(number, ...args);
    if (result < 0n && result > -4096n)
      throw refusal(this.#pid, `does not answer ${name} (${errnoName(Number(-result))})`);
    return result;
  }

  #toSystemCall(): void {
    resumeToSystemCall(this.#tid);
    for (;;) {
      const stop = waitFor(this.#tid, CALL_TIMEOUT_MS);
      if (stop === undefined)
        throw refusal(this.#pid, `thread ${this.#tid} does not come back from a system call`);
      if (stop.kind === 'ended') throw gone(this.#pid);
      if (stop.kind === 'system call') return;
      // A stop of the whole group, or SIGKILL on its way.
      resumeToSystemCall(this.#tid);
    }
  }

  /** The thread is as it was. */
  end(): void {
    setSignalMask(this.#tid, this.mask);
    setRegisterSet(this.#tid, NT.PRSTATUS, this.#original);
    this.#memory.write(this.#lowest, this.#saved);
    this.#memory.write(this.#place.code, this.#savedCode);
  }
}

/** Makes calls in a thread and leaves it as it was, whatever happens. */
export function withRemoteCalls<T>(
  pid: number,
  tid: number,
  memory: ProcessMemory,
  place: RemotePlace,
  action: (remote: RemoteCalls) => T,
): T {
  const remote = new RemoteCalls(pid, tid, memory, place);
  try {
    return action(remote);
  } finally {
    remote.end();
  }
}

const TRIES = 50;

/** Lets a thread that is between two addresses, as in the vDSO, run on until it is not. Returns whether it has run. */
export function leaveRange(
  pid: number,
  tid: number,
  { start, end }: Range,
  stop: (tid: number) => void,
): boolean {
  for (let tries = 0; tries < TRIES; tries++) {
    const { rip } = parseRegisters(registerSet(tid, NT.PRSTATUS));
    if (rip < start || rip >= end) return tries > 0;
    resume(tid);
    stop(tid);
  }
  throw refusal(pid, `thread ${tid} does not leave the vDSO`);
}
