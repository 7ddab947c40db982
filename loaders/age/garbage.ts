/**
 * Every chunk that node:crypto decrypts comes in memory of its own. V8 counts it, but lets tens of megabytes pile up before it
 * looks; collecting them early halves the memory, and the time, because the same pages are used again.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;

/** Frees what was used a moment ago and is not needed any more: a millisecond for 4 MiB of chunks. */
export function collectChunks(): void {
  collect ??= collector();
  collect({ type: 'minor' });
}

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
