/**
 * Judges a plan and its stub by rules written from the kernel's, sharing no address arithmetic with the
 * planner: what is wrong there must not be wrong here in the same way.
 */
import type { Plan, Step } from '../../../src/plan/plan.ts';
import { checkContents } from './contents.ts';
import { checkChosenPlaces, checkMmFields } from './identity.ts';
import { checkFinalProtections, MemoryChecker } from './memory.ts';
import { type Broken, type Judged, Verdicts } from './rules.ts';
import { checkStack } from './stack.ts';
import { checkStub, checkStubPlace, stubRange } from './stub.ts';
import { checkVault } from './vault.ts';
import { checkVdso } from './vdso.ts';

/** A segment cuts at most two ranges in two, and its tail is zeroed and protected. */
const STEPS_A_SEGMENT = 8;
/** A read step moves at most this much, and one from the vault that is followed by a discard. */
const READ_SIZE = 0x4000_0000;
const DISCARD_SIZE = 0x100_0000;

/** Every rule that is broken; none for a good plan. */
export function brokenRules(judged: Judged): Broken[] {
  const verdicts = new Verdicts();
  checkOrder(judged, verdicts);
  checkStubPlace(judged, verdicts);
  checkVault(judged, verdicts);
  const stub = stubRange(judged);
  const checker = new MemoryChecker(judged, verdicts, stub);
  for (const step of judged.plan.steps) checker.check(step);
  checkVdso(judged, checker.memory, verdicts, stub);
  checkFinalProtections(judged, checker.memory, verdicts);
  checkContents(judged, verdicts);
  checkEntry(judged, checker, verdicts);
  checkChosenPlaces(judged, verdicts, stub);
  checkMmFields(judged, verdicts);
  checkStack(judged, verdicts);
  checkStub(judged, verdicts);
  return verdicts.broken;
}

const IS_MEMORY: Partial<Record<Step['op'], true>> = {
  seclude: true,
  vdso: true,
  reserve: true,
  mmap: true,
  read: true,
  hide: true,
  discard: true,
  zero: true,
  mprotect: true,
};

function checkOrder({ plan, image, invocation }: Judged, verdicts: Verdicts): void {
  const operations = plan.steps.map(({ op }) => op);
  const memory = operations.findIndex((op) => IS_MEMORY[op] !== true);
  const closed = plan.steps.flatMap((step) => (step.op === 'close' ? [step.file] : []));
  const wanted = [
    ...['stack', 'leave', 'mm', 'name'],
    ...(invocation.stdin === undefined ? [] : ['stdin']),
    ...plan.files.map(() => 'close'),
    ...(invocation.closed ?? []).map(() => 'drop'),
    'jump',
  ];
  const good =
    operations.slice(memory).join() === wanted.join() &&
    closed.sort((a, b) => a - b).join() === [...plan.files.keys()].join();
  verdicts.rule('step-order', good, () => operations.slice(memory).join());

  const segments = [...image.segments, ...(image.interpreter?.segments ?? [])];
  const reads = segments.reduce((sum, { content }) => {
    const [size, most] = content?.source.confidential === true ? [2, DISCARD_SIZE] : [1, READ_SIZE];
    return sum + size * Math.ceil((content?.size ?? 0) / most);
  }, 0);
  const most = segments.length * STEPS_A_SEGMENT + reads + wanted.length + 4;
  verdicts.rule('step-count', operations.length <= most, () => `${operations.length} steps, at most ${most}`);
  checkFiles(plan, verdicts);
}

function checkFiles(plan: Plan, verdicts: Verdicts): void {
  const mm = plan.steps.find((step) => step.op === 'mm');
  const known = mm?.exe === undefined || plan.files[mm.exe] !== undefined;
  const once = new Set(plan.files.map((file) => ('fd' in file ? file.fd : -1))).size === plan.files.length;
  verdicts.rule('known-file', known && once, () => 'the exe, or a file that is there twice');
}

function checkEntry({ plan, image }: Judged, { memory }: MemoryChecker, verdicts: Verdicts): void {
  const jump = plan.steps.at(-1);
  if (jump?.op !== 'jump') return;
  if (typeof jump.entry === 'string') {
    verdicts.rule('entry-executable', false, () => `${jump.entry}, which this plan cannot know`);
    return;
  }
  const { base, offset } = jump.entry;
  const readable = image.stack.execution === 'everything-readable';
  const executable = memory
    .of(base)
    .covers(offset, offset + 1n, (text) => text[2] === 'x' || (readable && text[0] === 'r'));
  verdicts.rule('entry-executable', executable, () => `${base} 0x${offset.toString(16)}`);
}
