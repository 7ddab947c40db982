/**
 * What a process is, to the kernel's mind: the twelve fields of struct prctl_mm_map
 * (include/uapi/linux/prctl.h), by name and in its order. prctl(2), PR_SET_MM.
 */
import type { ProgramImage } from '../image/image.ts';
import type { HostFacts } from './host.ts';
import type { Layout } from './layout.ts';
import type { Place } from './place.ts';
import { type StackImage, TOP_ZERO_BYTES } from './stack-image.ts';

export const MM_FIELD_NAMES = [
  'start_code',
  'end_code',
  'start_data',
  'end_data',
  'start_brk',
  'brk',
  'start_stack',
  'arg_start',
  'arg_end',
  'env_start',
  'env_end',
  'auxv',
] as const;

export type MmFieldName = (typeof MM_FIELD_NAMES)[number];

export interface MmFields {
  readonly fields: Readonly<Record<MmFieldName, Place>>;
  /** Bytes. */
  readonly auxvSize: number;
}

/** From here on no machine refuses a field, so asking for its minimum would be wasted. */
export const NEVER_TOO_LOW = 0x10_0000n;

export function mmFields(image: ProgramImage, layout: Layout, stack: StackImage, host: HostFacts): MmFields {
  const onStack = (offset: bigint): Place => ({ base: 'stack', offset });
  const { taskSize } = layout.space;
  const clamp = (place: Place, above = 0n, below = 0n): Place =>
    clampHigh(clampLow(place, host, above), taskSize - 1n - below);
  // Without an auxv the kernel would keep the stub's: the zeros at the top of the stack are an AT_NULL.
  const hasAuxv = stack.auxv.size > 0;
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
      start_stack: onStack(stack.sp),
      arg_start: onStack(stack.arg.start),
      arg_end: onStack(stack.arg.end),
      env_start: onStack(stack.env.start),
      env_end: onStack(stack.env.end),
      auxv: onStack(hasAuxv ? stack.auxv.start : -TOP_ZERO_BYTES),
    },
    auxvSize: hasAuxv ? stack.auxv.size : Number(TOP_ZERO_BYTES),
  };
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
