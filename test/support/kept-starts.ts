/** A user of the command with a home, and a Node that is counted: what is kept there, and whether Node was asked. */
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { COMMAND, NODE_HALF, NODE_PATH, type Outcome, type RunOptions, run, type Temporary } from './run.ts';

/** Longer than a file must have been left alone (SETTLING_TIME), milliseconds. */
const SETTLED = 2200;

export const settle = (): Promise<void> => setTimeout(SETTLED);

export class KeptStarts {
  readonly command: string;
  readonly home: string;
  readonly directory: string;
  readonly #log: string;

  constructor({ path }: Temporary) {
    const own = join(path, 'dist');
    this.home = join(path, 'home');
    this.directory = join(this.home, '.cache/run-foreign/starts');
    this.command = join(own, 'run-foreign');
    this.#log = join(path, 'log');
    for (const directory of [own, this.home]) mkdirSync(directory);
    copyFileSync(COMMAND, this.command);
    const count = `require('node:fs').appendFileSync(${JSON.stringify(this.#log)}, 'x');`;
    writeFileSync(`${this.command}.cjs`, `${count} require(${JSON.stringify(NODE_HALF)});`);
    appendFileSync(this.#log, '');
  }

  get env(): Record<string, string> {
    return { PATH: NODE_PATH, HOME: this.home };
  }

  /** How it ended, and whether Node was started. */
  async start(args: readonly string[], options: RunOptions = {}): Promise<Outcome & { node: boolean }> {
    return this.counted(() => run(this.command, args, { env: this.env, ...options }));
  }

  async counted<T>(action: () => Promise<T>): Promise<T & { node: boolean }> {
    const before = this.#count();
    const outcome = await action();
    return { ...outcome, node: this.#count() > before };
  }

  /** Starts it so that it is kept; fails where it is not. */
  async keep(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { node: _, ...first } = await this.start(args, options);
    const { node } = await this.start(args, options);
    if (node) throw new Error(`the start of ${args[0]} was not kept`);
    return first;
  }

  /** The paths of what is kept. */
  get files(): string[] {
    return readdirSync(this.directory).map((name) => join(this.directory, name));
  }

  #count(): number {
    return readFileSync(this.#log).length;
  }
}
