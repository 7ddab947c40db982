/**
 * Plan → the stub: a small static ELF file whose code carries the plan out. In memory it is
 *   data page      zeros at first (data-page.ts)
 *   hand-over page zeros at first, filled and made executable by `leave`
 *   the file       headers, what the steps need, code
 */
import { EXIT } from '../errors.ts';
import type { AnyPlan } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { emitAdopt } from './adopt.ts';
import { Blobs } from './blobs.ts';
import { emitRandomness } from './choose.ts';
import { DATA, SETTINGS } from './data-page.ts';
import { elfHeaders, headersSize } from './elf-file.ts';
import { Emitter } from './emitter.ts';
import { Failures } from './failure.ts';
import { emitFinish } from './finish.ts';
import { emitHandOver, isHandOverStep } from './hand-over.ts';
import { emitLeave } from './leave.ts';
import { MACHINES } from './machines.ts';
import { emitMemoryStep, emitPrologue, emitStack } from './memory-steps.ts';
import { emitOpenOwnFile } from './own-file.ts';
import { settings } from './settings.ts';
import { storeStack } from './stack-image.ts';
import type { FileAtStart, StepContext } from './step-context.ts';

/**
 * The stub's file. `files` says where the plan's files will be in the process that executes it, in the plan's order.
 */
export function emitStub(plan: AnyPlan, files: readonly FileAtStart[]): Uint8Array {
  const machine = MACHINES[plan.arch];
  const dataAddress = plan.stub;
  const handOverAddress = dataAddress + PAGE_SIZE;
  const fileAddress = handOverAddress + PAGE_SIZE;
  const blobs = new Blobs(fileAddress, headersSize(machine));
  const constants = new Blobs(dataAddress + BigInt(DATA.constants), 0);

  const handOver = plan.steps.filter(isHandOverStep);
  const mm = handOver.find((step) => step.op === 'mm');
  if (mm === undefined) throw new Error('a plan without an mm step');
  const settingsBytes = settings(mm, plan.comm, files, machine);
  const handOverBytes = emitHandOver({
    machine,
    dataAddress,
    address: handOverAddress,
    fileAddress,
    steps: handOver,
    files,
    store: constants.add,
    program: plan.program,
  });
  const constantBytes = constants.finish();
  if (DATA.constants + constantBytes.length > DATA.message)
    throw new Error('the texts outgrow the data page');
  const at = {
    settings: blobs.add(settingsBytes),
    handOver: blobs.add(handOverBytes),
    stack: storedStack(plan, blobs.add),
    constants: blobs.add(constantBytes),
  };

  // The code jumps only relatively, so it can be assembled before its place, after the messages that
  // it stores on the way, is known.
  const emitter = new Emitter(machine, 0n, dataAddress);
  const failures = new Failures(emitter, blobs.add, EXIT.cannotRun);
  emitPrologue(emitter, plan);
  const context = { emitter, failures, plan, files, store: blobs.add };
  emitRandomness(plan, emitter);
  emitOpenOwnFile(context);
  emitSteps(context, at.stack);
  const part = (from: bigint, to: bigint, bytes: Uint8Array) => ({ from, to, size: BigInt(bytes.length) });
  const settingsPart = part(at.settings, dataAddress + BigInt(DATA.settings), settingsBytes);
  emitFinish(handOver, settingsPart, context, blobs.add);
  emitLeave(
    context,
    [settingsPart, part(at.constants, dataAddress + BigInt(DATA.constants), constantBytes)],
    part(at.handOver, handOverAddress, handOverBytes),
  );
  failures.emit();
  const entry = blobs.add(emitter.code.finish());

  const body = blobs.finish();
  const size = BigInt(headersSize(machine) + body.length);
  const headers = elfHeaders({
    machine,
    address: fileAddress,
    entry,
    data: { address: dataAddress, size: 2n * PAGE_SIZE },
    execution: plan.execution,
    size,
  });
  const stub = Buffer.concat([headers, body]);
  const settingsOffset = Number(at.settings - fileAddress);
  stub.writeBigUInt64LE(size, settingsOffset + SETTINGS.fileSize);
  return stub;
}

function emitSteps(context: StepContext, emitFirstStack: FirstStackCode): void {
  for (const step of context.plan.steps) {
    if (step.op === 'leave') return;
    if (isHandOverStep(step)) throw new Error(`the plan's step ${step.op} comes before it leaves the stub`);
    if (step.op === 'stack') emitFirstStack(context);
    else emitMemoryStep(step, context);
  }
}

/** The code of the step `stack`. */
type FirstStackCode = (context: StepContext) => void;

function storedStack({ stack }: AnyPlan, store: StepContext['store']): FirstStackCode {
  if (!('bytes' in stack)) return (context) => emitAdopt(stack, context);
  const stored = storeStack(stack, store);
  return (context) => emitStack(stored, stack, context);
}
