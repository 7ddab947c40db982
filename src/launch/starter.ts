/**
 * What child_process.spawn needs to make a loaded program of a child: a file to execute, and descriptors behind those of
 * the caller's. Node starts the child as any other, so it inherits no more than what is given to it.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { emitStub } from '../emit/stub.ts';
import { hostFacts } from '../native/host-facts.ts';
import { closeDescriptor, duplicateFrom } from '../native/libc.ts';
import { type Plan, vaultOf } from '../plan/plan.ts';
import { type LoadedProgram, planLoaded } from './prepare.ts';
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

/** A start that child_process.spawn can make, once or more. */
export interface Startable {
  /** What is executed. Names a descriptor by /proc/self: also where the child may not look into this process. */
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Copies of them have the numbers behind the caller's in the child. */
  readonly descriptors: readonly number[];
  /** To be called when spawn has returned. */
  release(): void;
}

/** Starts one loaded program as often as is wished. The program is not confidential. */
export class Starter {
  readonly #loaded: LoadedProgram;
  #vault: Promise<number> | undefined;
  #closed = false;

  constructor(loaded: LoadedProgram) {
    this.#loaded = loaded;
  }

  /** Throws what planning and filling the vault do. */
  async startable(wanted: Wanted): Promise<Startable> {
    const loaded = { ...this.#loaded, argv: wanted.argv };
    const plan = await planLoaded(loaded, wanted, hostFacts());
    const vaultFd = (await this.filledVault(plan)) ?? -1;
    const descriptors = plan.files.map((file) => ('fd' in file ? file.fd : vaultFd));
    const fd = stubFor(plan, wanted.stdio);
    return {
      file: `/proc/self/fd/${fd}`,
      argv0: Buffer.from(plan.comm).toString(),
      args: [],
      env: {},
      descriptors,
      release: () => closeDescriptor(fd),
    };
  }

  /** The vault of a plan of this program, filled: once, because what fills it cannot be read again. All share it, sealed. */
  async filledVault(plan: Plan): Promise<number | undefined> {
    const vault = vaultOf(plan);
    if (vault === undefined) return undefined;
    this.#vault ??= createVault(vault, Buffer.from(plan.comm).toString(), () => {}).then(ownedByThread);
    return this.#vault;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vault?.then(closeSync, () => {});
  }
}

/**
 * The stub of a plan whose files have the numbers from `stdio` on. Its own is behind them all, because spawn puts files
 * over numbers that are lower.
 */
function stubFor(plan: Plan, stdio: number): number {
  const stub = emitStub(
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
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
  } finally {
    closeDescriptor(fd);
  }
}
