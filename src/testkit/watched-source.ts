/** A source that watches how it is read by a probe, which is to be cheap whatever lies behind. */
import { hex } from '../errors.ts';
import type { Source } from '../source/source.ts';

/** What a probe may read of a file of any size, bytes, and in how many reads. */
export const MOST_PROBED = 64 * 1024;
export const MOST_READS = 1000;

export interface WatchedSource {
  readonly source: Source;
  /** What was wrong with the first read that should not have been. */
  readonly complaint: () => string | undefined;
}

/** `bytes` and zeros behind them, up to `size`. */
export function watchedSource(bytes: Uint8Array, name: string, size = bytes.length): WatchedSource {
  let complaint: string | undefined;
  let total = 0;
  let reads = 0;
  const look = (offset: number, length: number): string | undefined => {
    const whole = [offset, length].every((each) => Number.isSafeInteger(each) && each >= 0);
    if (!whole) return `it asks for ${length} bytes at the offset ${offset}`;
    if (offset + length > size)
      return `it asks for ${length} bytes at the file offset ${hex(offset)}, past the end of ${size} bytes: look at source.size first`;
    total += length;
    reads += 1;
    if (total > MOST_PROBED)
      return `it has read more than ${MOST_PROBED} bytes, ${total} with the last read: read what tells the format and leave the rest to load`;
    if (reads > MOST_READS) return `it has read more than ${MOST_READS} times: read more at once`;
    return undefined;
  };
  return {
    complaint: () => complaint,
    source: {
      name,
      size,
      confidential: false,
      read(offset, length) {
        const wrong = look(offset, length);
        complaint ??= wrong;
        if (wrong !== undefined) throw new Error(wrong);
        const read = new Uint8Array(length);
        read.set(bytes.subarray(offset, offset + length));
        return read;
      },
    },
  };
}
