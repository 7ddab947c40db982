/**
 * One file that may be wrong: how it is made and how it is started. What ought to happen is not written
 * down, because execve says it: see outcome.ts.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FileCase {
  /** What is odd about the file, for the table in docs/fidelity.md. */
  readonly title: string;
  make(box: Box): Start | string;
  /** Why run-foreign cannot do what execve does, where it cannot. */
  readonly reason?: string;
  /** The page cannot say what execve does with it: that depends on the file system. */
  readonly unlisted?: boolean;
  /** What the test must be allowed to do; a case that needs more than there is is left out. */
  readonly needs?: 'root' | 'mounts' | 'i386';
}

export interface Start {
  readonly path: string;
  /** A command that sets something up and then executes the words after it. */
  readonly before?: readonly string[];
  readonly args?: readonly string[];
  /** null is a call of execve with an empty argv. */
  readonly argv0?: string | null;
  readonly cwd?: string;
  /** Without the starter, whose own name would count among the arguments. */
  readonly direct?: boolean;
}

/** A shell of root's without capabilities: what it may not do nobody may. */
export const POWERLESS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

/** A directory of the case's own. */
export class Box {
  readonly path: string;
  readonly #parent: string;

  /** `parent` holds the compiled programs as well. */
  constructor(parent: string, name: string) {
    this.#parent = parent;
    this.path = join(parent, name);
    mkdirSync(this.path);
  }

  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file and returns its path. */
  file(name: string, bytes: Uint8Array | string, mode = 0o755): string {
    writeFileSync(this.at(name), bytes);
    chmodSync(this.at(name), mode);
    return this.at(name);
  }

  /** A program that test/programs has the source of. */
  compiled(name: string): string {
    return join(this.#parent, name);
  }
}
