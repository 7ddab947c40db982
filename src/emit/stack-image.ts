/**
 * The first stack's image, without the room that randomisation leaves in the midst of it (up to 8 KiB,
 * arch_align_stack): those pages are fresh zeros already, and what is not touched need not be there. Only what the
 * kernel has put there for the stub itself must go.
 */
import type { Place } from '../process/place.ts';
import type { StackImage } from '../process/stack-image.ts';
import type { Emitter } from './emitter.ts';
import { REG, type Register } from './x86.ts';

/** Fewer zeros are copied. */
const SMALLEST_GAP = 256;

/** Offsets in the image. */
interface Gap {
  readonly start: number;
  readonly end: number;
}

/** The image's parts as they lie in the stub's file. */
export interface StoredStack {
  readonly parts: readonly { readonly from: bigint; readonly offset: number; readonly size: number }[];
  readonly gap: Gap | undefined;
}

/** The first long run of zeros. */
export function gapIn(bytes: Uint8Array): Gap | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(Buffer.alloc(SMALLEST_GAP));
  if (start < 0) return undefined;
  const length = bytes.subarray(start).findIndex((byte) => byte !== 0);
  return { start, end: length < 0 ? bytes.length : start + length };
}

export function storeStack({ bytes }: StackImage, store: (bytes: Uint8Array) => bigint): StoredStack {
  const gap = gapIn(bytes);
  const ranges =
    gap === undefined
      ? [[0, bytes.length]]
      : [
          [0, gap.start],
          [gap.end, bytes.length],
        ];
  const parts = ranges
    .filter(([from = 0, to = 0]) => to > from)
    .map(([offset = 0, to = 0]) => ({ from: store(bytes.subarray(offset, to)), offset, size: to - offset }));
  return { parts, gap };
}

/** Copies the image to its place. `own` is where the stub's stack pointer was at first. */
export function emitStackImage(
  { parts, gap }: StoredStack,
  { sp }: StackImage,
  own: Register,
  emitter: Emitter,
): void {
  const { code } = emitter;
  const at = (offset: number): Place => ({ base: 'stack', offset: sp + BigInt(offset) });
  if (gap !== undefined) {
    // From the stub's own stack pointer on, where that is in the gap; there is nothing if it is above.
    const [inside, clean] = [code.label(), code.label()];
    emitter.load(REG.di, at(gap.start));
    code.compare(own, REG.di);
    code.jumpIf('below', inside);
    code.move(REG.di, own);
    code.place(inside);
    emitter.load(REG.cx, at(gap.end));
    code.moveImmediate(REG.ax, 0n);
    code.subtract(REG.cx, REG.di);
    code.jumpIf('belowOrEqual', clean);
    code.repeatStoreBytes();
    code.place(clean);
  }
  for (const { from, offset, size } of parts) emitter.copyBytes(from, at(offset), BigInt(size));
}
