/** The mm fields, the heap and the bases the planner chooses, against the kernel's rules for each. */
import type { Range } from '../../../src/image/image.ts';
import type { Place } from '../../../src/process/place.ts';
import { AddressMap } from './address-map.ts';
import { KERNEL, kernelAreas, meets, pieBases } from './kernel-areas.ts';
import { firstPage, PAGE, pageUp, placedParts, spanOf } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';
import { STUB_RESERVE } from './stub.ts';

/** Pairs that kernel/sys.c, validate_prctl_map_addr, compares. */
const ORDERED = [
  ['start_code', 'end_code'],
  ['start_data', 'end_data'],
  ['start_brk', 'brk'],
  ['arg_start', 'arg_end'],
  ['env_start', 'env_end'],
] as const;

/** Below every mmap base, above where static programs and 32-bit PIEs begin. */
const QUIET = {
  x86_64: [0x0100_0000_0000n, 0x0500_0000_0000n],
  i386: [0x3000_0000n, 0x5500_0000n],
} as const;

const text = ({ base, offset }: Place) =>
  `${base} ${offset < 0n ? '-' : ''}0x${(offset < 0n ? -offset : offset).toString(16)}`;

export function checkMmFields(judged: Judged, verdicts: Verdicts): void {
  const { plan, host } = judged;
  const mm = plan.steps.find((step) => step.op === 'mm');
  if (mm === undefined) return;
  const { fields } = mm.fields;
  for (const [from, to] of ORDERED) {
    const [low, high] = [fields[from], fields[to]];
    const ordered =
      low.base !== high.base ||
      (from === 'start_code' ? low.offset < high.offset : low.offset <= high.offset);
    verdicts.rule('mm-order', ordered, () => `${from} is ${text(low)}, ${to} is ${text(high)}`);
  }
  const { taskSize } = KERNEL[plan.arch];
  const bytes = BigInt(plan.stack.bytes.length);
  for (const [name, place] of Object.entries(fields)) {
    const inside =
      place.base === 'absolute'
        ? place.offset >= host.lowestMmField() && place.offset < taskSize
        : place.base === 'stack'
          ? -bytes <= place.offset && place.offset < 0n
          : place.offset >= 0n && place.offset <= taskSize;
    verdicts.rule('mm-range', inside, () => `${name} is ${text(place)}`);
  }
}

export function checkChosenPlaces(judged: Judged, verdicts: Verdicts, stub: Range): void {
  const { plan, image, host } = judged;
  const areas = kernelAreas(plan.arch, host);
  // A program can fill all that is quiet; then the stub may stand where mmap begins, but never in the stack's way.
  const forbidden = isQuietFull(judged) ? areas.slice(0, 1) : areas;
  const quiet = !forbidden.some((area) => meets(area, stub));
  verdicts.rule('stub-quiet', quiet, () => `0x${stub.start.toString(16)}`);
  const [program] = placedParts(judged);
  if (program === undefined) return;
  const span = spanOf(program);
  const { placement } = image;
  if (placement.kind === 'pie' && image.segments.length > 0) {
    const align = placement.align > PAGE ? placement.align : PAGE;
    const bases = pieBases(plan.arch, host, align);
    // A page in whose middle the first segment begins comes before the base.
    const base = pageUp(placement.anchor ?? firstPage(image)) + program.bias;
    const next = areas.map(({ start }) => start).filter((start) => start >= bases.end);
    // A larger one would reach into the areas from the kernel's own choice of base as well.
    const hasRoom = next.every((start) => span.end - base <= start - bases.end);
    const good =
      base % align === 0n &&
      base >= bases.start &&
      base < bases.end &&
      // What lies below its first segment lies there under the kernel, too.
      !(hasRoom && areas.some((area) => meets(area, { start: base, end: span.end })));
    verdicts.rule('pie-base', good, () => `0x${base.toString(16)}, up to 0x${span.end.toString(16)}`);
  }
  checkHeap(judged, span, program.bias, verdicts);
}

/** Whether the program leaves no room for a stub in the range that the kernel never uses. */
function isQuietFull({ plan }: Judged): boolean {
  const [start, end] = QUIET[plan.arch];
  const taken = new AddressMap<true>();
  taken.set(end, end + PAGE, true);
  for (const step of plan.steps)
    if (step.op === 'mmap' && step.at.base === 'absolute')
      taken.set(step.at.offset, step.at.offset + step.size, true);
  let from: bigint = start;
  for (const piece of taken.over(start, end + PAGE)) {
    if (piece.start - from >= STUB_RESERVE[plan.arch]) return false;
    from = piece.end;
  }
  return true;
}

/** arch_randomize_brk: behind the image, less than its range away; for a PIE in the mmap area where PIEs go. */
function checkHeap({ plan, image, host }: Judged, span: Range, bias: bigint, verdicts: Verdicts): void {
  const mm = plan.steps.find((step) => step.op === 'mm');
  if (mm === undefined) return;
  const { start_brk, brk } = mm.fields.fields;
  const { taskSize, etDynBase, brkRange } = KERNEL[plan.arch];
  const where = () => `${text(start_brk)} … ${text(brk)}, behind 0x${span.end.toString(16)}`;
  if (start_brk.base !== 'absolute') {
    verdicts.rule('heap', start_brk.base === brk.base, where);
    return;
  }
  verdicts.rule('heap', brk.base === 'absolute' && brk.offset <= taskSize, where);
  if (!image.brk.randomize) return;
  // A segment without any memory still counts for the heap.
  const imageEnd = max(span.end, pageUp(image.brk.start + bias));
  const behind = image.placement.kind === 'mmap' ? pageUp(etDynBase) : imageEnd;
  const from = max(behind, host.lowestMmField());
  const range = host.randomizeVaSpace === 2 ? brkRange : 1n;
  // PR_SET_MM_MAP takes no field at the very end, so there the heap begins in the last page.
  const good = start_brk.offset >= from || start_brk.offset === taskSize - 1n;
  verdicts.rule('heap', good && start_brk.offset < from + range, where);
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);
