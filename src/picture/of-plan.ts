/**
 * A plan as a picture: what is there while the stub stands, and what the program has when it is entered. Addresses that
 * only the kernel will know are drawn as such. No bytes of the program's and no strings of its stack are shown.
 */
import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { stackEntries } from '../plan/stack-words.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import type { VdsoPiece } from '../process/host.ts';
import type { Base, Place } from '../process/place.ts';
import { mappedRegions } from './mapped-regions.ts';
import type { Block, Column, Mark, Picture, Region } from './model.ts';
import { planSteps } from './plan-steps.ts';
import { stackBlock } from './stack-block.ts';
import { kernelRegion, stubRegions } from './stub-regions.ts';

const READ = { read: true, write: false, execute: false };
const READ_EXECUTE = { read: true, write: false, execute: true };

export function planPicture(plan: Plan, facts: readonly string[]): Picture {
  return {
    title: plan.program,
    facts,
    columns: [before(plan), after(plan)],
    steps: planSteps(plan.steps),
  };
}

function before(plan: Plan): Column {
  const aside = plan.steps.findIndex((step) => step.op === 'vdso');
  const step = plan.steps[aside];
  const waiting: Region[] =
    step?.op === 'vdso'
      ? [{ ...kernelRegion('vDSO, from its step on'), ...spanOf(step), steps: [aside + 1] }]
      : [];
  return {
    title: 'Before: the stub',
    facts: ['a small ELF file of its own, which the kernel executes'],
    blocks: [
      { regions: [...stubRegions(plan.stub), ...waiting], marks: [] },
      {
        somewhere: 'Where the kernel has put them for the stub',
        unplaced: true,
        regions: [kernelRegion('vDSO and vvar'), kernelRegion('stack, as for any program')],
        marks: [],
      },
    ],
  };
}

const spanOf = ({ aside, pieces }: Extract<Step, { op: 'vdso' }>) => ({
  start: aside,
  end: aside + pieces.reduce((sum, { size }) => sum + size, 0n),
});

function after(plan: Plan): Column {
  const marks = marksOf(plan);
  const of = (base: Base) => marks.get(base) ?? [];
  const fixed: Block = { regions: mappedRegions(plan, 'absolute'), marks: of('absolute') };
  const mapped = (['image', 'interp'] as const)
    .map(
      (base): Block => ({
        base,
        somewhere: `Where the kernel finds room for the ${base === 'image' ? 'program' : 'interpreter'}`,
        regions: mappedRegions(plan, base),
        marks: of(base),
      }),
    )
    .filter(({ regions }) => regions.length > 0);
  const [low, high] = split(fixed, mmapArea(plan));
  const stackStep = plan.steps.findIndex(({ op }) => op === 'stack') + 1;
  const blocks = [low, ...mapped, vdsoBlock(plan), high, stackBlock(plan, of('stack'), stackStep)];
  return {
    title: 'After: the program',
    facts: ['when its first instruction is about to run; the stub has left'],
    blocks: blocks.filter(({ regions, marks: own }) => regions.length + own.length > 0),
  };
}

/** From here up the kernel puts what has no place of its own, mostly: mmap_base in arch/x86/mm/mmap.c. */
const mmapArea = ({ arch }: Plan): bigint => (ADDRESS_SPACES[arch].taskSize / 16n) * 15n;

function split({ regions, marks }: Block, at: bigint): [Block, Block] {
  const [below, above] = [(address: bigint) => address < at, (address: bigint) => address >= at];
  return [
    { regions: regions.filter(({ start }) => below(start)), marks: marks.filter((mark) => below(mark.at)) },
    { regions: regions.filter(({ start }) => above(start)), marks: marks.filter((mark) => above(mark.at)) },
  ];
}

function vdsoBlock({ steps }: Plan): Block {
  const index = steps.findIndex((step) => step.op === 'vdso' && step.go === 'back');
  const step = steps[index];
  const somewhere =
    step === undefined
      ? 'Where the kernel has put it for the stub'
      : 'Where the kernel finds room for the vDSO';
  const marks = [{ at: 0n, name: 'AT_SYSINFO_EHDR' }];
  if (step?.op !== 'vdso')
    return { base: 'vdso', somewhere, regions: [kernelRegion('vDSO and vvar')], marks };
  const last = step.pieces.length - 1;
  const regions = step.pieces.map(
    ({ offset, size }: VdsoPiece, piece): Region => ({
      start: offset,
      end: offset + size,
      name: piece === last ? '[vdso]' : piece === 0 ? '[vvar]' : '[vvar_vclock]',
      protection: piece === last ? READ_EXECUTE : READ,
      steps: [index + 1],
    }),
  );
  return { base: 'vdso', somewhere, regions, marks };
}

/** What of the auxv points to something. */
const POINTERS = new Set(['AT_PHDR', 'AT_BASE', 'AT_ENTRY', 'AT_RANDOM', 'AT_EXECFN', 'AT_PLATFORM']);
const NAMES: Readonly<Record<string, string>> = { brk: 'brk: heap from here on', auxv: 'auxv' };

function marksOf(plan: Plan): Map<Base, Mark[]> {
  const marks = new Map<Base, Mark[]>();
  const add = ({ base, offset }: Place, name: string, important = false) =>
    marks.set(base, [...(marks.get(base) ?? []), { at: offset, name, important }]);
  for (const step of plan.steps) {
    if (step.op === 'jump') {
      if (typeof step.entry !== 'string') add(step.entry, 'the jump goes here', true);
      add(step.sp, 'stack pointer', true);
      if (step.rdx !== undefined) add(step.rdx, 'rdx');
    }
    if (step.op === 'mm') {
      for (const name of MM_FIELD_NAMES) add(step.fields.fields[name], NAMES[name] ?? name, name === 'brk');
    }
  }
  for (const { name, value } of stackEntries(plan.stack, plan.arch)) {
    if (POINTERS.has(name) && value !== 'kernel' && !isNull(value)) add(value, name);
  }
  return marks;
}

const isNull = ({ base, offset }: Place): boolean => base === 'absolute' && offset === 0n;
