/**
 * What a process is, to the kernel's mind: the twelve fields of struct prctl_mm_map
 * (include/uapi/linux/prctl.h), by name and in its order. prctl(2), PR_SET_MM.
 */
import type { ProgramImage } from '../image/image.ts';
import type { MmFieldName } from '../image/mm-field-names.ts';
import type { AdoptedStack } from './adopted-stack.ts';
import type { HostFacts } from './host.ts';
import type { Layout } from './layout.ts';
import type { Place } from './place.ts';
import { type StackImage, TOP_ZERO_BYTES } from './stack-image.ts';

export interface MmFields {
  readonly fields: Readonly<Record<MmFieldName, Place>>;
  /** Bytes; `as found` is what the kernel gave the stub. */
  readonly auxvSize: number | 'as found';
}

/** From here on no machine refuses a field, so asking for its minimum would be wasted. */
export const NEVER_TOO_LOW = 0x10_0000n;

export function mmFields(
  image: ProgramImage,
  layout: Layout,
  stack: StackImage | AdoptedStack,
  host: HostFacts,
): MmFields {
  const { taskSize } = layout.space;
  const clamp = (place: Place, above = 0n, below = 0n): Place =>
    clampHigh(clampLow(place, host, above), taskSize - 1n - below);
  const auxv = auxvPlace(stack);
  const codeEnd = image.code.end > image.code.start ? image.code.end : image.code.start + 1n;
  return {
    fields: {
      start_code: clamp(layout.image(image.code.start), 0n, 1n),
      // The kernel wants start_code < end_code, also of an image without code or wholly below its minimum.
      end_code: clamp(layout.image(codeEnd), 1n),
      start_data: clamp(layout.image(image.data.start)),
      end_data: clamp(layout.image(image.data.end)),
      start_brk: clamp(layout.brk.start),
      brk: clamp(layout.brk.end),
      ...('bytes' in stack ? builtPlaces(stack) : ADOPTED_PLACES),
      auxv: auxv.start,
    },
    auxvSize: auxv.size,
  };
}

const onStack = (offset: bigint): Place => ({ base: 'stack', offset });

type StackField = 'start_stack' | 'arg_start' | 'arg_end' | 'env_start' | 'env_end';

function builtPlaces(stack: StackImage): Record<StackField, Place> {
  return {
    start_stack: onStack(stack.sp),
    arg_start: onStack(stack.arg.start),
    arg_end: onStack(stack.arg.end),
    env_start: onStack(stack.env.start),
    env_end: onStack(stack.env.end),
  };
}

const ADOPTED_PLACES: Record<StackField, Place> = {
  start_stack: { base: 'sp', offset: 0n },
  arg_start: { base: 'arg_start', offset: 0n },
  arg_end: { base: 'env_start', offset: 0n },
  env_start: { base: 'env_start', offset: 0n },
  env_end: { base: 'env_end', offset: 0n },
};

/** Without an auxv the kernel would keep the stub's: the zeros at the top of the stack are an AT_NULL. */
function auxvPlace(stack: StackImage | AdoptedStack): { start: Place; size: MmFields['auxvSize'] } {
  if (!('bytes' in stack) && stack.layout === 'sysv')
    return { start: { base: 'auxv', offset: 0n }, size: 'as found' };
  if ('bytes' in stack && stack.auxv.size > 0)
    return { start: onStack(stack.auxv.start), size: stack.auxv.size };
  return { start: onStack(-TOP_ZERO_BYTES), size: Number(TOP_ZERO_BYTES) };
}

function clampLow(place: Place, host: HostFacts, above: bigint): Place {
  if (place.base !== 'absolute' || place.offset >= NEVER_TOO_LOW) return place;
  const lowest = host.lowestMmField() + above;
  return place.offset >= lowest ? place : { base: 'absolute', offset: lowest };
}

/** The kernel takes no field that is TASK_SIZE itself, where an image or a heap may well end. */
function clampHigh(place: Place, highest: bigint): Place {
  return place.base !== 'absolute' || place.offset <= highest ? place : { base: 'absolute', offset: highest };
}
