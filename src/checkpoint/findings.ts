/** What of a process a checkpoint cannot hold: each says which object, and what may be left out on the user's word. */
import { refusal } from './frozen-threads.ts';

/** What --skip takes. */
export const SKIPPABLE = [
  'sockets',
  'terminals',
  'pipes',
  'children',
  'inotify',
  'io_uring',
  'devices',
  'namespaces',
  'seccomp',
  'others',
] as const;

export type Skippable = (typeof SKIPPABLE)[number];

export interface Finding {
  /** `descriptor 5`, `the mapping at 0x7f…`. */
  readonly object: string;
  /** What it is: a path, `socket:[123]`. */
  readonly what: string;
  readonly why: string;
  readonly skip: Skippable;
}

/** Collects what is found, but for what may be left out. */
export class Findings {
  readonly refused: Finding[] = [];
  readonly skipped: Finding[] = [];
  readonly #skip: ReadonlySet<Skippable>;

  constructor(skip: ReadonlySet<Skippable>) {
    this.#skip = skip;
  }

  add(finding: Finding): void {
    (this.#skip.has(finding.skip) ? this.skipped : this.refused).push(finding);
  }

  /** Throws PROCESS_REFUSED if something was found that may not be left out. */
  check(pid: number): void {
    const [first] = this.refused;
    if (first === undefined) return;
    const more = this.refused.length === 1 ? '' : `, and ${this.refused.length - 1} more`;
    throw refusal(
      pid,
      `cannot be checkpointed: ${first.object} (${first.what}) ${first.why}${more}`,
      `run-foreign checkpoint --check ${pid} lists all; --skip ${first.skip} leaves it out`,
    );
  }
}
