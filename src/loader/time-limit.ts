/**
 * The time that a loader may take. What counts is its own: reading, asking for a passphrase and all else that the host
 * does for it may take as long as it takes. A loader that never lets go of the thread can be stopped from outside only.
 */
import { monotonic } from '../monotonic.ts';
import type { Through } from './lent.ts';

export interface TimeLimit {
  /** For one call. */
  readonly milliseconds: number;
  /**
   * Told how much longer a loader may go on from now, milliseconds, and undefined when it is not running: for
   * whoever looks from outside. `what` says who it is.
   */
  watch?(what: string, left: number | undefined): void;
}

/** For our own loaders, which need no timer. */
export const NO_LIMIT: TimeLimit = { milliseconds: Number.POSITIVE_INFINITY };

/** One call of a loader. */
export class TimedCall {
  readonly #limit: TimeLimit;
  readonly #what: string;
  /** How many things the host is doing for it. */
  #waits = 0;
  #left: number;
  /** When it went on, on the monotonic clock; undefined while it is not running. */
  #since: number | undefined;
  #ended = false;

  constructor(limit: TimeLimit, what: string) {
    this.#limit = limit;
    this.#what = what;
    this.#left = limit.milliseconds;
  }

  /** Throws what `late` makes once the loader has used up its time. */
  async run<T>(action: () => T | Promise<T>, late: () => Error): Promise<T> {
    return this.runEither(async () => action(), late);
  }

  /** A call that ends now, and then only `watch` can end it, or later. */
  runEither<T>(action: () => T, late: () => Error): T {
    this.#go();
    let result: T;
    try {
      result = action();
    } catch (cause) {
      this.#end();
      throw cause;
    }
    if (result instanceof Promise) return this.#inTime(result, late) as T;
    this.#end();
    return result;
  }

  async #inTime<T>(result: Promise<T>, late: () => Error): Promise<T> {
    if (this.#limit === NO_LIMIT) return result.finally(() => this.#end());
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<never>((_, reject) => {
      const look = () => {
        const left = this.#timeLeft();
        if (left <= 0) reject(late());
        else timer = setTimeout(look, left);
      };
      look();
    });
    try {
      return await Promise.race([result, timeIsUp]);
    } finally {
      clearTimeout(timer);
      this.#end();
    }
  }

  /** What the host does for the loader meanwhile. */
  readonly through: Through = (action) => {
    if (this.#waits++ === 0) this.#stop();
    const done = () => {
      if (--this.#waits === 0) this.#go();
    };
    let result: ReturnType<typeof action>;
    try {
      result = action();
    } catch (cause) {
      done();
      throw cause;
    }
    if (result instanceof Promise) result.then(done, done);
    else done();
    return result;
  };

  #timeLeft(): number {
    return this.#left - (this.#since === undefined ? 0 : monotonic() - this.#since);
  }

  /** What it was lent may be used for longer than that. */
  #end(): void {
    this.#stop();
    this.#ended = true;
  }

  #go(): void {
    if (this.#ended) return;
    this.#since = monotonic();
    this.#limit.watch?.(this.#what, this.#left);
  }

  #stop(): void {
    if (this.#ended) return;
    this.#left = this.#timeLeft();
    this.#since = undefined;
    this.#limit.watch?.(this.#what, undefined);
  }
}
