/** A thread that helps to decrypt. It shares all its memory with this one, which overwrites it. */
import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { CHUNK_SIZE, type Chunks, openChunkInto, SEALED_CHUNK_SIZE } from './chunks.ts';
import { WORKER_FILE } from './decoder.ts';
import {
  announce,
  CONTROL,
  CONTROL_WORDS,
  type Job,
  MAX_COUNT,
  nextGeneration,
  release,
  type ThreadData,
  takeChunks,
  withdraw,
} from './share.ts';

/** How long to wait before looking whether the thread is still there, milliseconds. */
const PATIENCE = 500;

/** A run of chunks that both threads are at work on. */
export interface SharedJob {
  /** The ciphertext of the first `count` chunks is there. */
  release(count: number): void;
  /** Helps until all are done; says whether all were authentic. */
  finish(): Promise<boolean>;
  /** Nobody takes another chunk of it. */
  abandon(): void;
}

export class SecondThread {
  readonly sealed: Uint8Array;
  readonly #chunks: Chunks;
  readonly #key: Uint8Array;
  readonly #control: Int32Array;
  readonly #worker: Worker;
  #gone = false;
  #generation = 0;
  /** For callers whose memory is not shared. */
  #plain: Uint8Array | undefined;

  /** Undefined where there is none, as when the command was not built. */
  static start(key: Uint8Array, chunks: Chunks): SecondThread | undefined {
    if (!existsSync(WORKER_FILE)) return undefined;
    try {
      return new SecondThread(key, chunks);
    } catch {
      return undefined;
    }
  }

  private constructor(key: Uint8Array, chunks: Chunks) {
    this.#chunks = chunks;
    this.#key = key;
    this.sealed = new Uint8Array(new SharedArrayBuffer(MAX_COUNT * SEALED_CHUNK_SIZE));
    this.#control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
    const workerData: ThreadData = {
      control: this.#control,
      key,
      sealed: this.sealed,
      sealedSize: chunks.offset(chunks.count) - chunks.start,
    };
    // With streams of its own: without, Node would open ours, and make them non-blocking for the program, too.
    this.#worker = new Worker(WORKER_FILE, { workerData, stdout: true, stderr: true, env: {}, execArgv: [] });
    const gone = () => {
      this.#gone = true;
    };
    this.#worker.on('error', gone).on('exit', gone).unref();
  }

  /** `target` is as long as the plaintext of the `count` chunks from `first` on. One job at a time. */
  begin(first: number, count: number, target: Uint8Array): SharedJob {
    const sharedTarget =
      target.buffer instanceof SharedArrayBuffer ? target : this.#plainMemory(target.length);
    this.#generation = nextGeneration(this.#generation);
    const job: Job = { generation: this.#generation, first, count, target: sharedTarget };
    announce(this.#control, this.#generation);
    let posted = false;
    return {
      release: (ready) => {
        release(this.#control, ready);
        if (!posted) this.#worker.postMessage(job);
        posted = true;
      },
      abandon: () => this.#abandon(),
      finish: async () => {
        // Whoever asked has the next pieces to see to, while the other thread is at work.
        await turn();
        const authentic = await this.#work(job);
        if (sharedTarget !== target) {
          target.set(sharedTarget);
          sharedTarget.fill(0);
        }
        return authentic;
      },
    };
  }

  /** Ends it. Nothing of what it has decrypted is left. */
  end(): void {
    this.#abandon();
    this.#plain?.fill(0);
    void this.#worker.terminate();
  }

  /** Waits for the chunk that the other thread may be at work on: it writes to memory of the caller's. */
  #abandon(): void {
    const control = this.#control;
    this.#generation = nextGeneration(this.#generation);
    const taken = withdraw(control, this.#generation);
    for (;;) {
      const done = Atomics.load(control, CONTROL.done);
      if (done >= taken || Atomics.wait(control, CONTROL.done, done, PATIENCE) === 'timed-out') return;
    }
  }

  async #work(job: Job): Promise<boolean> {
    const control = this.#control;
    const run = { chunks: this.#chunks, key: this.#key, sealed: this.sealed, first: job.first };
    takeChunks(control, job, (place) => openChunkInto(job.target, { ...run, place }));
    for (;;) {
      const done = Atomics.load(control, CONTROL.done);
      if (done === job.count) return Atomics.load(control, CONTROL.failed) === 0;
      if (Atomics.wait(control, CONTROL.done, done, PATIENCE) === 'ok') continue;
      await turn();
      if (this.#gone) return false;
    }
  }

  #plainMemory(size: number): Uint8Array {
    this.#plain ??= new Uint8Array(new SharedArrayBuffer(MAX_COUNT * CHUNK_SIZE));
    return this.#plain.subarray(0, size);
  }
}
