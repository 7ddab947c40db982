/** What the kernel keeps for each thread of a process that is stopped. */
import { readFileSync } from 'node:fs';
import type { Registers, ThreadState } from '../image/process-state.ts';
import { parseRegisters, registerBytes } from '../image/registers.ts';
import { robustListOf } from '../native/file-facts.ts';
import { readText, statFields, statusField } from '../native/proc.ts';
import type { ProcessMemory } from '../native/process-memory.ts';
import {
  NT,
  pendingSignals,
  registerSet,
  rseqConfiguration,
  setRegisterSet,
  xsaveState,
} from '../native/ptrace.ts';
import { withoutUnusedTiles } from '../process/xstate.ts';
import type { RemoteCalls } from './remote-calls.ts';

const NR = { sigaltstack: 131, prctl: 157 } as const;
const PR_GET_TID_ADDRESS = 40;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x8000_0000;

/** struct rseq_cs (include/uapi/linux/rseq.h), and where struct rseq has the address of one. */
const RSEQ_CS = { size: 32, start_ip: 8, post_commit_offset: 16, abort_ip: 24 };
const RSEQ_RSEQ_CS = 8n;

/**
 * The kernel aborts a restartable sequence when the thread is interrupted in it; that it would find out only when the
 * thread goes on, and by then our calls have gone over it. So it is done here, as the kernel does it.
 */
export function abortSequence(tid: number, memory: ProcessMemory): void {
  const rseq = rseqConfiguration(tid);
  if (rseq === undefined) return;
  const pointer = memory.bytes(rseq.address + RSEQ_RSEQ_CS, 8).readBigUInt64LE();
  if (pointer === 0n) return;
  const registers = parseRegisters(registerSet(tid, NT.PRSTATUS));
  const sequence = memory.bytes(pointer, RSEQ_CS.size);
  const start = sequence.readBigUInt64LE(RSEQ_CS.start_ip);
  const length = sequence.readBigUInt64LE(RSEQ_CS.post_commit_offset);
  if (BigInt.asUintN(64, registers.rip - start) >= length) return;
  const rip = sequence.readBigUInt64LE(RSEQ_CS.abort_ip);
  setRegisterSet(tid, NT.PRSTATUS, registerBytes({ ...registers, rip }));
  memory.write(rseq.address + RSEQ_RSEQ_CS, Buffer.alloc(8));
}

/** `remote` makes calls in this thread. */
export function captureThread(
  pid: number,
  tid: number,
  registers: Registers,
  memory: ProcessMemory,
  remote: RemoteCalls,
): ThreadState {
  const path = `/proc/${pid}/task/${tid}`;
  const xstate = xsaveState(tid);
  const comm = readFileSync(`${path}/comm`);
  const stat = statFields(`${path}/stat`);
  return {
    tid,
    comm: comm.subarray(0, -1),
    registers,
    ...(xstate !== undefined && { xstate: withoutUnusedTiles(xstate) }),
    fpregs: registerSet(tid, NT.FPREGSET),
    signalMask: remote.mask,
    pending: pendingSignals(tid, false),
    alternateStack: alternateStack(remote, memory),
    clearChildTid: tidAddress(remote, memory),
    robustList: robustListOf(tid),
    rseq: rseqConfiguration(tid),
    timerSlackNs: timerSlack(tid),
    schedule: {
      policy: Number(stat(41)),
      priority: Number(stat(40)),
      nice: Number(stat(19)),
      processors: processors(statusField('Cpus_allowed_list', `${path}/status`) ?? ''),
    },
  };
}

/** Undefined where that may not be known (fs/proc/base.c, timerslack_ns_show). */
function timerSlack(tid: number): bigint | undefined {
  const text = readText(`/proc/${tid}/timerslack_ns`)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}

function alternateStack(remote: RemoteCalls, memory: ProcessMemory): ThreadState['alternateStack'] {
  remote.ask('sigaltstack', NR.sigaltstack, 0, remote.result);
  const bytes = memory.bytes(remote.result, 24);
  const flags = bytes.readUInt32LE(8);
  if ((flags & SS_DISABLE) !== 0) return undefined;
  // Whether it stands on it now is no setting (SS_ONSTACK).
  return {
    address: bytes.readBigUInt64LE(0),
    size: bytes.readBigUInt64LE(16),
    flags: (flags & SS_AUTODISARM) >>> 0,
  };
}

function tidAddress(remote: RemoteCalls, memory: ProcessMemory): bigint {
  remote.ask('PR_GET_TID_ADDRESS', NR.prctl, PR_GET_TID_ADDRESS, remote.result);
  return memory.bytes(remote.result, 8).readBigUInt64LE();
}

/** `0-3,8`. */
function processors(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
