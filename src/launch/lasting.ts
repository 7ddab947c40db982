/**
 * A start that is prepared once: a plan that serves any number of starts, and its stub in files that stay. What differs
 * between two starts is what child_process.spawn executes the stub with.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { emitStub } from '../emit/stub.ts';
import type { ReusablePlan } from '../plan/plan.ts';
import { createStubFile } from './stub-file.ts';

/** What is executed, with the program's own arguments and environment, and the descriptors that it needs. */
export interface PreparedStart {
  /** Names a descriptor by /proc/self: also where the child may not look into this process. */
  readonly file: string;
  /** Copies of them have the numbers behind the caller's in the child. */
  readonly descriptors: readonly number[];
  /** To be called when spawn has returned. */
  release(): void;
}

/** A stub knows its files by their numbers. More than so many ways to number them are not kept. */
const MOST_STUBS = 4;
const KEPT = () => {};

/** The stubs of one plan. */
export class LastingStart {
  readonly #plan: ReusablePlan;
  readonly #descriptors: readonly number[];
  /** By the number of the caller's descriptors. */
  readonly #kept = new Map<number, PreparedStart & { readonly fd: number }>();

  /** `descriptors` are those of the plan's files, and stay the caller's. */
  constructor(plan: ReusablePlan, descriptors: readonly number[]) {
    this.#plan = plan;
    this.#descriptors = descriptors;
  }

  /** For a child to which the caller gives `stdio` descriptors. Throws MACHINE_REFUSED. */
  withStdio(stdio: number): PreparedStart {
    const known = this.#kept.get(stdio);
    if (known !== undefined) return known;
    const fd = this.#createStub(stdio);
    const start = { file: `/proc/self/fd/${fd}`, descriptors: this.#descriptors };
    if (this.#kept.size >= MOST_STUBS) return { ...start, release: () => closeSync(fd) };
    const kept = { ...start, fd, release: KEPT };
    this.#kept.set(stdio, kept);
    return kept;
  }

  close(): void {
    for (const { fd } of this.#kept.values()) closeSync(fd);
    this.#kept.clear();
  }

  #createStub(stdio: number): number {
    const { comm, files } = this.#plan;
    const stub = emitStub(
      this.#plan,
      files.map((_, index) => stdio + index),
    );
    const file = createStubFile(Buffer.from(comm).toString(), { lasting: true });
    try {
      file.finish(stub);
      return openFrom(file.fd, stdio + files.length);
    } finally {
      file.close();
    }
  }
}

/**
 * The same file under a number that is at least `least`: spawn puts files over numbers that are lower. Opened by Node, which
 * closes what a worker thread has open when the thread is ended.
 */
export function openFrom(fd: number, least = 0): number {
  const lower: number[] = [];
  try {
    for (;;) {
      const opened = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
      if (opened >= least) return opened;
      lower.push(opened);
    }
  } finally {
    for (const each of lower) closeSync(each);
  }
}
