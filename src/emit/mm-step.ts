/**
 * Tells the kernel what the process is: PR_SET_MM_MAP with the exe file, without it, and, where the map is
 * refused, field by field (prctl(2), PR_SET_MM). Runs in the hand-over page. A refusal never stops the program.
 */

import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { MM_CALL_NUMBER, type MmFieldCall } from '../process/mm-calls.ts';
import { ADOPTED, BASE_OFFSET, DATA, MM_MAP, SETTINGS } from './data-page.ts';
import type { Argument, Emitter } from './emitter.ts';
import { messageName } from './failure.ts';
import { descriptor, type FileAtStart } from './step-context.ts';
import { type Label, REG } from './x86.ts';

type MmStep = Extract<Step, { op: 'mm' }>;
type Store = (bytes: Uint8Array) => bigint;

/** include/uapi/linux/prctl.h */
export const PR_SET_MM = 35n;
export const PR_SET_MM_MAP = 14n;
export const PR_SET_MM_EXE_FILE = BigInt(MM_CALL_NUMBER.exe_file);
/** include/uapi/asm-generic/resource.h */
const RLIMIT_DATA = 2n;
const STDERR = 2n;

/** An entry of the table of calls: the call's number, where in the settings its value is, and whether it has a size. */
const CALL_ENTRY = 3;

const REFUSED_EXE =
  '/proc/PID/exe stays the memfd: setting it takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, or CAP_SYS_RESOURCE on the machine itself, see run-foreign check\n';
const REFUSED_MAP = 'the kernel refused PR_SET_MM_MAP and did not set';
const REFUSED_END = ': ps and /proc show the stub there, see run-foreign check\n';

/** What emitMm needs to know of the page it writes into. */
export interface MmContext {
  readonly files: readonly FileAtStart[];
  /** Stores bytes in the data page and returns their address. */
  readonly store: Store;
  /** For messages. */
  readonly program: string;
}

/** Makes places of the map's offsets, in the data page. */
export function emitBases(step: MmStep, emitter: Emitter, files: readonly FileAtStart[]): void {
  const { code } = emitter;
  MM_FIELD_NAMES.forEach((name, index) => {
    const { base } = step.fields.fields[name];
    if (base === 'absolute') return;
    code.load(REG.ax, emitter.data(BASE_OFFSET[base]));
    code.addTo(emitter.data(DATA.settings + SETTINGS.mmMap + index * 8), REG.ax);
  });
  if (step.exe !== undefined && files[step.exe] === 'opened') {
    code.load(REG.ax, emitter.data(ADOPTED.opened));
    code.storeLow32(emitter.data(DATA.settings + SETTINGS.mmMap + MM_MAP.exe_fd), REG.ax);
    code.store(emitter.data(DATA.settings + SETTINGS.exe), REG.ax);
  }
  if (step.fields.auxvSize !== 'as found') return;
  code.load(REG.ax, emitter.data(ADOPTED.auxvEnd));
  code.load(REG.cx, emitter.data(ADOPTED.auxv));
  code.subtract(REG.ax, REG.cx);
  code.storeLow32(emitter.data(DATA.settings + SETTINGS.mmMap + MM_MAP.auxv_size), REG.ax);
}

export function emitMm(step: MmStep, emitter: Emitter, context: MmContext): void {
  const { code } = emitter;
  const { program, store } = context;
  const map = DATA.settings + SETTINGS.mmMap;
  emitBases(step, emitter, context.files);
  const [done, withoutExe] = [code.label(), code.label()];
  const setUnlessRefused = (then: Label) => {
    const size = BigInt(MM_MAP.size);
    emitter.systemCall('prctl', PR_SET_MM, PR_SET_MM_MAP, emitter.dataPlace(map), size, 0n);
    emitter.jumpUnlessError(then);
  };
  setUnlessRefused(done);
  if (step.exe !== undefined) {
    code.store32(emitter.data(map + MM_MAP.exe_fd), -1);
    setUnlessRefused(withoutExe);
  }
  emitByField(step, emitter, store);
  const prefix = Buffer.from(`run-foreign: ${messageName(program)}: `);
  const refusedExe = Buffer.concat([prefix, Buffer.from(REFUSED_EXE)]);
  const text = step.report ? store(refusedExe) : 0n;
  if (step.report) emitRefusals(emitter, { address: text, size: prefix.length }, store);
  code.jump(done);
  code.place(withoutExe);
  if (step.exe !== undefined) emitExeFile(descriptor(step.exe, context), done, emitter);
  if (step.report) emitter.systemCall('write', STDERR, text, BigInt(refusedExe.length));
  code.place(done);
}

/** PR_SET_MM_EXE_FILE asks for another capability than the map with an exe file does. */
function emitExeFile(descriptor: Argument, then: Label, emitter: Emitter): void {
  emitter.systemCall('prctl', PR_SET_MM, PR_SET_MM_EXE_FILE, descriptor, 0n, 0n);
  emitter.jumpUnlessError(then);
}

/**
 * The calls by field, from a table. On their way the data and the heap span all there is, which a limit would
 * forbid (check_data_rlimit), so it is lifted meanwhile. Where lifting it is refused, the old limit is never
 * written over the new one, and putting "it" back is the same refused call again.
 */
function emitByField(step: MmStep, emitter: Emitter, store: Store): void {
  const limit = emitter.dataPlace(DATA.settings + SETTINGS.dataLimit);
  emitter.systemCall('prlimit64', 0n, RLIMIT_DATA, limit, limit);
  emitCalls(step, emitter, store(callTable(step)));
  emitter.systemCall('prlimit64', 0n, RLIMIT_DATA, limit, 0n);
}

function emitCalls(step: MmStep, emitter: Emitter, table: bigint): void {
  const { code, machine } = emitter;
  const [set, call, value, size, zero] = machine.parameters;
  const [next, done] = [code.label(), code.label()];
  // bp is no argument of prctl in either mode.
  code.moveImmediate(REG.bp, table);
  code.place(next);
  code.loadByte(call, { base: REG.bp, displacement: 0 });
  code.test(call);
  code.jumpIf('equal', done);
  code.loadByte(REG.ax, { base: REG.bp, displacement: 1 });
  code.moveImmediate(value, emitter.dataPlace(DATA.settings));
  code.add(value, REG.ax);
  code.load(value, { base: value, displacement: 0 });
  code.loadByte(size, { base: REG.bp, displacement: 2 });
  const noSize = code.label();
  code.test(size);
  code.jumpIf('equal', noSize);
  code.load32(size, emitter.data(DATA.settings + SETTINGS.mmMap + MM_MAP.auxv_size));
  code.place(noSize);
  code.moveImmediate(set, PR_SET_MM);
  code.moveImmediate(zero, 0n);
  code.moveImmediate(REG.ax, BigInt(machine.systemCalls.prctl));
  code.systemCall();
  if (step.report) code.storeIndexed(emitter.data(DATA.results), call, REG.ax);
  code.addImmediate(REG.bp, CALL_ENTRY);
  code.jump(next);
  code.place(done);
}

function callTable({ byField }: MmStep): Uint8Array {
  const entries = byField.sequence.map((call) => [
    MM_CALL_NUMBER[call.field],
    valueOffset(call),
    call.field === 'auxv' ? 1 : 0,
  ]);
  return Uint8Array.from([...entries.flat(), 0]);
}

/** Where in the settings the value of a call is. */
function valueOffset({ field, to }: MmFieldCall): number {
  if (to !== 'wanted') return SETTINGS[to];
  return field === 'exe_file' ? SETTINGS.exe : SETTINGS.mmMap + MM_FIELD_NAMES.indexOf(field) * 8;
}

/** Writes one line that names every field whose last call failed, if there is any. `prefix` is how it begins. */
function emitRefusals(
  emitter: Emitter,
  prefix: { readonly address: bigint; readonly size: number },
  store: Store,
): void {
  const { code, wordSize } = emitter;
  const start = Buffer.from(REFUSED_MAP);
  const names = Object.keys(MM_CALL_NUMBER).map((name) => Buffer.from(` ${name}`));
  const table = names.flatMap((name) => [name.length, ...name]);
  const end = Buffer.from(REFUSED_END);
  const longest = prefix.size + start.length + table.length + end.length;
  if (BigInt(DATA.message + longest) > PAGE_SIZE) throw new Error('a message outgrows the data page');

  const message = emitter.dataPlace(DATA.message);
  const [next, skip, listed, nothing] = [code.label(), code.label(), code.label(), code.label()];
  emitter.copyBytes(prefix.address, message, BigInt(prefix.size));
  code.moveImmediate(REG.si, store(start));
  code.moveImmediate(REG.cx, BigInt(start.length));
  code.repeatMoveBytes();
  code.moveImmediate(REG.bp, emitter.dataPlace(DATA.results));
  code.moveImmediate(REG.si, store(Uint8Array.from([...table, 0])));
  code.place(next);
  code.loadByte(REG.cx, { base: REG.si, displacement: 0 });
  code.test(REG.cx);
  code.jumpIf('equal', listed);
  code.addImmediate(REG.si, 1);
  code.addImmediate(REG.bp, wordSize);
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.test(REG.ax);
  code.jumpIf('equal', skip);
  code.repeatMoveBytes();
  code.place(skip);
  code.add(REG.si, REG.cx);
  code.jump(next);

  code.place(listed);
  code.moveImmediate(REG.ax, message + BigInt(prefix.size + start.length));
  code.compare(REG.di, REG.ax);
  code.jumpIf('equal', nothing);
  code.moveImmediate(REG.si, store(end));
  code.moveImmediate(REG.cx, BigInt(end.length));
  code.repeatMoveBytes();
  code.moveImmediate(REG.ax, message);
  code.subtract(REG.di, REG.ax);
  code.store(emitter.data(DATA.scratch), REG.di);
  emitter.systemCall('write', STDERR, message, { data: DATA.scratch });
  code.place(nothing);
}
