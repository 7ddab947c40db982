/**
 * ResumePlan → the stub that brings a process back: a small static ELF file, mostly a table of system calls
 * (src/plan/resume-plan.ts) and the code that walks it. In memory it is, one after the other,
 *   data page      zeros at first (../data-page.ts)
 *   spare page     zeros; the last instructions, where they cannot be behind the vDSO
 *   the file       headers, code, table, and what the table refers to
 * The first thing it does is to move all of that out of its file, so that it can write to the table, and that nothing is left
 * mapped of the file when the process gets another one to be known by (EBUSY of PR_SET_MM_MAP).
 */

import { EXIT } from '../../errors.ts';
import type { ResumePlan, ResumeStep, ThreadPlan } from '../../plan/resume-plan.ts';
import { PAGE_SIZE, pageEnd } from '../../process/address-space.ts';
import { AT } from '../../process/auxv.ts';
import { Blobs } from '../blobs.ts';
import { elfHeaders, headersSize } from '../elf-file.ts';
import { Emitter } from '../emitter.ts';
import { errnoNameTable, Failures, messageName } from '../failure.ts';
import { REG } from '../x86.ts';
import { machine } from '../x86_64.ts';
import { ENTRY, type Entry, SLOT } from './entry.ts';
import { emitOwnCall, Interpreter } from './interpreter.ts';
import { type CodeAddresses, type OtherStep, TableBuilder, tableBytes } from './table.ts';
import { emitThreads } from './threads.ts';
import { CLONE_ARGS_SIZE, emitNewProcess } from './waiting.ts';

/** More than the code has: it does not grow with the plan. */
const CODE_ROOM = 8192;
const RWX = 7n;
const MAP_PRIVATE_ANONYMOUS = 0x22n;
const MREMAP_MAYMOVE_FIXED = 3n;
const SIG_BLOCK = 0n;
const ALL_SIGNALS = new Uint8Array(8).fill(0xff);
const NR = { rt_sigprocmask: 14n, mremap: 25n } as const;
const SIGCHLD = 17n;
/** VM, FS, FILES, SIGHAND, THREAD and SYSVSEM: include/uapi/linux/sched.h. */
const THREAD_FLAGS = 0x100n | 0x200n | 0x400n | 0x800n | 0x1_0000n | 0x4_0000n;
/** struct clone_args, 64-bit words. */
const CLONE_ARGS = { flags: 0, exit_signal: 4, set_tid: 8, set_tid_size: 9 } as const;

/** The stub's file. `files` are the numbers that the plan's files have in the process that executes it. */
export function emitResume(plan: ResumePlan, files: readonly number[]): Uint8Array {
  const dataAddress = plan.stub;
  const fileAddress = dataAddress + 2n * PAGE_SIZE;
  const codeAt = headersSize(machine);
  const blobs = new Blobs(fileAddress, codeAt + CODE_ROOM);
  const store = storeOnce(blobs);
  const table = new TableBuilder(plan, { store, files });
  const threadStarts = fillTable(table, plan);

  const slots = new Map<string, bigint>();
  const slot = (name: string): bigint => {
    let at = slots.get(name);
    if (at === undefined) {
      at = blobs.add(new Uint8Array(8));
      slots.set(name, at);
    }
    return at;
  };
  const names = blobs.add(errnoNameTable().bytes);
  const tableAddress = blobs.add(new Uint8Array(0));
  // Slots and messages come behind the table, whose size is known.
  const tableSize = table.entries.length * ENTRY.size;
  const placeholder = new Uint8Array(tableSize);
  blobs.add(placeholder);

  const emitter = new Emitter(machine, fileAddress + BigInt(codeAt), dataAddress);
  const interpreter = new Interpreter(emitter);
  const failures = new Failures(emitter, blobs.add, EXIT.cannotRun);
  const sizeAt = blobs.add(new Uint8Array(8));
  emitStart(emitter, failures, plan, {
    fileAddress,
    sizeAt,
    vdsoSlot: slot(SLOT.vdso),
    table: tableAddress,
    mask: blobs.add(ALL_SIGNALS),
  });
  interpreter.emit(names, plan.report);
  interpreter.handler('process', () => emitNewProcess(emitter, interpreter));
  // What it unmaps is known when all is stored; more than there is does no harm in room that is nobody else's.
  emitThreads(emitter, interpreter, { address: dataAddress, size: plan.room, vdso: plan.vdso }, blobs.add);
  failures.emit();
  const code = emitter.code.finish();
  if (code.length > CODE_ROOM) throw new Error(`the code has outgrown its room: ${code.length} bytes`);

  const addresses: CodeAddresses = {
    handlers: Object.fromEntries(interpreter.handlers) as CodeAddresses['handlers'],
    failures: Object.fromEntries(interpreter.failures) as CodeAddresses['failures'],
  };
  placeholder.set(
    tableBytes(resolved(table.entries, threadStarts, tableAddress), tableAddress, addresses, slot, blobs.add),
  );
  return assemble(code, blobs, { dataAddress, fileAddress, sizeAt });
}

function assemble(
  code: Uint8Array,
  blobs: Blobs,
  at: { readonly dataAddress: bigint; readonly fileAddress: bigint; readonly sizeAt: bigint },
): Uint8Array {
  const codeAt = headersSize(machine);
  const body = Buffer.concat([code, Buffer.alloc(CODE_ROOM - code.length), blobs.finish()]);
  const size = BigInt(codeAt + body.length);
  const headers = elfHeaders({
    machine,
    address: at.fileAddress,
    entry: at.fileAddress + BigInt(codeAt),
    data: { address: at.dataAddress, size: 2n * PAGE_SIZE },
    execution: 'none',
    size,
  });
  const file = Buffer.concat([headers, body]);
  file.writeBigUInt64LE(pageEnd(size), Number(at.sizeAt - at.fileAddress));
  return file;
}

/** The same array has one address, so that one step can write what another reads. */
function storeOnce(blobs: Blobs): (bytes: Uint8Array) => bigint {
  const known = new Map<Uint8Array, bigint>();
  let size = 0;
  return (bytes) => {
    let address = known.get(bytes);
    if (address === undefined) {
      const padding = (8 - (size % 8)) % 8;
      if (padding > 0) blobs.add(new Uint8Array(padding));
      address = blobs.add(bytes);
      size += padding + bytes.length;
      known.set(bytes, address);
    }
    return address;
  };
}

/** Blocks signals, leaves the file, and goes to the first entry. */
function emitStart(
  emitter: Emitter,
  failures: Failures,
  plan: ResumePlan,
  at: {
    readonly fileAddress: bigint;
    readonly sizeAt: bigint;
    readonly vdsoSlot: bigint;
    readonly table: bigint;
    readonly mask: bigint;
  },
): void {
  const { code } = emitter;
  const failed = failures.label(`run-foreign: ${messageName(plan.program)}: cannot leave the stub's file: `);
  const size = REG.r15;
  code.stringsUp();
  code.moveImmediate(REG.r13, emitter.dataAddress);
  emitOwnCall(emitter, NR.rt_sigprocmask, SIG_BLOCK, at.mask, 0n, 8n);
  code.moveImmediate(REG.ax, at.sizeAt);
  code.load(size, { base: REG.ax, displacement: 0 });
  emitOwnCall(
    emitter,
    BigInt(machine.systemCalls.mmap),
    0n,
    size,
    RWX,
    MAP_PRIVATE_ANONYMOUS,
    (1n << 64n) - 1n,
    0n,
  );
  emitter.jumpOnError(failed);
  code.move(REG.r14, REG.ax);
  code.move(REG.di, REG.ax);
  code.moveImmediate(REG.si, at.fileAddress);
  code.move(REG.cx, size);
  code.repeatMoveBytes();
  emitOwnCall(emitter, NR.mremap, REG.r14, size, size, MREMAP_MAYMOVE_FIXED, at.fileAddress);
  emitter.jumpOnError(failed);
  emitKeepVdso(emitter, at.vdsoSlot);
  code.moveImmediate(REG.bx, at.table);
  code.jumpMemory({ base: REG.bx, displacement: ENTRY.handler });
}

/** AT_SYSINFO_EHDR from the auxv, which is behind argc, one argument, its NULL, and the NULL of an empty environment. */
function emitKeepVdso(emitter: Emitter, slot: bigint): void {
  const { code } = emitter;
  const [again, next, done, found] = [code.label(), code.label(), code.label(), code.label()];
  code.move(REG.si, REG.sp);
  code.addImmediate(REG.si, 32);
  code.place(again);
  code.load(REG.ax, { base: REG.si, displacement: 0 });
  code.load(REG.dx, { base: REG.si, displacement: 8 });
  code.test(REG.ax);
  code.jumpIf('equal', done);
  code.compareImmediate(REG.ax, AT.SYSINFO_EHDR);
  code.jumpIf('equal', found);
  code.place(next);
  code.addImmediate(REG.si, 16);
  code.jump(again);
  code.place(found);
  code.moveImmediate(REG.cx, slot);
  code.store({ base: REG.cx, displacement: 0 }, REG.dx);
  code.place(done);
}

/** Returns the first entries of the further threads, in the order in which they are started. */
function fillTable(table: TableBuilder, plan: ResumePlan): number[] {
  const [first, ...others] = plan.threads;
  if (first === undefined) throw new Error('a process without threads');
  table.steps(plan.steps, (step) => {
    if (step.op === 'new process') newProcess(table, step);
    else {
      for (const thread of others) cloneThread(table, thread);
      table.add('gather', [BigInt(others.length)]);
    }
  });
  table.add('exit code', []);
  table.add('release', [BigInt(plan.threads.length)]);
  enter(table, first);
  return others.map((thread) => {
    const start = table.entries.length;
    table.steps(thread.steps, refuse);
    table.add('arrive', []);
    enter(table, thread);
    return start;
  });
}

function refuse(step: ResumeStep): never {
  throw new Error(`a thread of its own cannot do the step ${step.op}`);
}

function enter(table: TableBuilder, { frame }: ThreadPlan): void {
  table.add('enter', [{ bytes: frame.bytes }, frame.at, BigInt(frame.bytes.length), frame.sp]);
}

function cloneArgs(words: Readonly<Record<number, bigint>>): Buffer {
  const args = Buffer.alloc(CLONE_ARGS_SIZE);
  for (const [index, value] of Object.entries(words)) args.writeBigUInt64LE(value, Number(index) * 8);
  return args;
}

/** The array of thread ids and where its address goes are both in the stub, so a store puts it there. */
function withTid(table: TableBuilder, args: Buffer, tid: number): void {
  const ids = Buffer.alloc(8);
  ids.writeInt32LE(tid);
  args.writeBigUInt64LE(1n, CLONE_ARGS.set_tid_size * 8);
  table.add('store8', [{ bytes: ids }, { bytes: args, plus: CLONE_ARGS.set_tid * 8 }]);
}

function newProcess(table: TableBuilder, { pid, what }: Extract<OtherStep, { op: 'new process' }>): void {
  const args = cloneArgs({ [CLONE_ARGS.exit_signal]: SIGCHLD });
  withTid(table, args, pid);
  table.add('process', [{ bytes: args }], { failure: 'say', message: table.message(what) });
}

function cloneThread(table: TableBuilder, { tid }: ThreadPlan): void {
  const same = cloneArgs({ [CLONE_ARGS.flags]: THREAD_FLAGS });
  const any = cloneArgs({ [CLONE_ARGS.flags]: THREAD_FLAGS });
  withTid(table, same, tid);
  table.add('thread', [{ bytes: same }, { bytes: any }, 0n], { message: table.message('start a thread') });
}

/** Argument 2 of an entry that starts a thread is the thread's first entry. */
function resolved(entries: readonly Entry[], starts: readonly number[], address: bigint): Entry[] {
  let started = 0;
  return entries.map((entry) => {
    if (entry.handler !== 'thread') return entry;
    const first = starts[started++] ?? 0;
    const [same = { value: 0n }, any = { value: 0n }] = entry.args;
    return { ...entry, args: [same, any, { value: address + BigInt(first * ENTRY.size) }] };
  });
}
