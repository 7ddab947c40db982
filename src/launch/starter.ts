/**
 * What child_process.spawn needs to make a loaded program of a child: a file to execute, and descriptors behind those of
 * the caller's. Node starts the child as any other, so it inherits no more than what is given to it.
 */
import { closeSync } from 'node:fs';
import { hostFacts } from '../native/host-facts.ts';
import { closeDescriptor, duplicateFrom } from '../native/libc.ts';
import { type AnyPlan, vaultOf } from '../plan/plan.ts';
import { LastingStart, openFrom, type PreparedStart } from './lasting.ts';
import type { LoadedProgram } from './load.ts';
import { planLoadedOnce, planStart, type StartPlan } from './prepare.ts';
import { stubBytes } from './stub-bytes.ts';
import { createStubFile } from './stub-file.ts';
import { createVault } from './vault.ts';

/** What the program is to get. */
export interface Wanted {
  /** As the user named it, for messages. */
  readonly name: Uint8Array;
  readonly argv: readonly Uint8Array[];
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  /** How many descriptors the caller sets: those of the start come behind them. */
  readonly stdio: number;
}

/** A start for which all has been planned: the stub is given nothing more. */
export interface PlannedStart extends PreparedStart {
  readonly argv0: string;
}

/** Starts one loaded program as often as is wished. The program is not confidential. */
export class Starter {
  readonly #loaded: LoadedProgram;
  #vault: Promise<number> | undefined;
  #lasting: Promise<LastingStart | undefined> | undefined;
  #prepared: LastingStart | undefined;
  #closed = false;

  constructor(loaded: LoadedProgram) {
    this.#loaded = loaded;
  }

  /**
   * What serves any number of starts; undefined where each needs a plan of its own. `name` is the program as the user named
   * it. Throws what planning and filling the vault do.
   */
  lasting(name: Uint8Array): Promise<LastingStart | undefined> {
    if (this.#lasting === undefined) {
      this.#lasting = this.#prepare(name);
      // What could not be made once may be possible the next time: memory is there again, a network answers.
      this.#lasting.catch(() => {
        this.#lasting = undefined;
      });
    }
    return this.#lasting;
  }

  async #prepare(name: Uint8Array): Promise<LastingStart | undefined> {
    const plan = await planLoadedOnce(this.#loaded, name, hostFacts());
    if (plan !== undefined) this.#prepared = new LastingStart(plan, await this.#descriptors(plan));
    return this.#prepared;
  }

  /** For one start alone. Throws what planning and filling the vault do. */
  async planned(wanted: Wanted): Promise<PlannedStart> {
    const loaded = { ...this.#loaded, argv: wanted.argv };
    const plan = await planStart(loaded, wanted, hostFacts());
    const descriptors = await this.#descriptors(plan);
    const fd = await stubFor(plan, wanted.stdio);
    return {
      file: `/proc/self/fd/${fd}`,
      argv0: Buffer.from(plan.comm).toString(),
      descriptors,
      release: () => closeDescriptor(fd),
    };
  }

  /** Of the plan's files. */
  async #descriptors(plan: AnyPlan | StartPlan): Promise<number[]> {
    const vault = (await this.filledVault(plan)) ?? -1;
    return plan.files.map((file) => ('fd' in file ? file.fd : vault));
  }

  /** The vault of a plan of this program, filled: once, because what fills it cannot be read again. All share it, sealed. */
  async filledVault(plan: AnyPlan | StartPlan): Promise<number | undefined> {
    const vault = vaultOf(plan);
    if (vault === undefined) return undefined;
    this.#vault ??= createVault(vault, Buffer.from(plan.comm).toString(), () => {}).then(ownedByThread);
    return this.#vault;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vault?.then(closeSync, () => {});
    this.#prepared?.close();
  }
}

/**
 * The stub of a plan whose files have the numbers from `stdio` on. Its own is behind them all, because spawn puts files
 * over numbers that are lower.
 */
export async function stubFor(plan: StartPlan, stdio: number): Promise<number> {
  const stub = await stubBytes(
    plan,
    [...plan.files.keys()].map((index) => stdio + index),
  );
  const file = createStubFile(Buffer.from(plan.comm).toString());
  const least = stdio + plan.files.length;
  try {
    file.finish(stub);
    return duplicateFrom(file.fd, least);
  } finally {
    file.close();
  }
}

/** The same file, opened by Node: it closes what a worker thread has open when the thread is ended. */
function ownedByThread(fd: number): number {
  try {
    return openFrom(fd);
  } finally {
    closeDescriptor(fd);
  }
}
