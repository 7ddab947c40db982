/**
 * What the two threads agree on that decrypt together: a job is a run of chunks, of which each thread takes the next one
 * whenever it has nothing to do. Runs in both threads.
 */

/** What the second thread is given when it starts. */
export interface ThreadData {
  readonly control: Int32Array;
  /** Of the payload. */
  readonly key: Uint8Array;
  /** Ciphertext of the present job, as far as it is there. */
  readonly sealed: Uint8Array;
  /** All of the payload's ciphertext, bytes. */
  readonly sealedSize: number;
}

/** What it is told of a job. */
export interface Job {
  readonly generation: number;
  /** Chunks. */
  readonly first: number;
  readonly count: number;
  /** Shared memory, as long as the plaintext. */
  readonly target: Uint8Array;
}

/** Places in the control memory. */
export const CONTROL = {
  /** The job's generation and, in the low bits, the next chunk to take: a message that comes late takes nothing. */
  next: 0,
  /** How many chunks have their ciphertext. */
  ready: 1,
  /** How many are finished, well or not. */
  done: 2,
  /** How many are not authentic. */
  failed: 3,
} as const;
export const CONTROL_WORDS = 4;

const INDEX_BITS = 8;
/** So many chunks a job may have. */
export const MAX_COUNT = 64;
const GENERATIONS = 2 ** 22;

/** Makes a job the present one; nobody may be at work on another. */
export function announce(control: Int32Array, generation: number): void {
  Atomics.store(control, CONTROL.ready, 0);
  Atomics.store(control, CONTROL.done, 0);
  Atomics.store(control, CONTROL.failed, 0);
  Atomics.store(control, CONTROL.next, generation << INDEX_BITS);
}

export const nextGeneration = (generation: number): number => (generation + 1) % GENERATIONS;

/** Lets nobody take another chunk. Says how many were taken, and will be done. */
export function withdraw(control: Int32Array, nextGeneration: number): number {
  const next = Atomics.exchange(control, CONTROL.next, nextGeneration << INDEX_BITS);
  Atomics.store(control, CONTROL.ready, 0);
  Atomics.notify(control, CONTROL.ready);
  return next & (2 ** INDEX_BITS - 1);
}

/** Says that the first `count` chunks can be taken. */
export function release(control: Int32Array, count: number): void {
  Atomics.store(control, CONTROL.ready, count);
  Atomics.notify(control, CONTROL.ready);
}

/** Takes chunks, by their place in the job, until there is none left. `open` says whether one was authentic. */
export function takeChunks(
  control: Int32Array,
  { generation, count }: Pick<Job, 'generation' | 'count'>,
  open: (place: number) => boolean,
): void {
  for (;;) {
    const next = Atomics.load(control, CONTROL.next);
    const place = next - (generation << INDEX_BITS);
    if (place < 0 || place >= count) return;
    const ready = Atomics.load(control, CONTROL.ready);
    if (place >= ready) {
      Atomics.wait(control, CONTROL.ready, ready);
      continue;
    }
    if (Atomics.compareExchange(control, CONTROL.next, next, next + 1) !== next) continue;
    if (!open(place)) Atomics.add(control, CONTROL.failed, 1);
    Atomics.add(control, CONTROL.done, 1);
    Atomics.notify(control, CONTROL.done);
  }
}
