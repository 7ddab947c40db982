/** Whether an entry of ours gets along with those of others, now and after the next boot. */
import type { BootEntry } from './boot-files.ts';
import type { KernelEntry } from './kernel.ts';
import { relation } from './pattern.ts';
import type { BinfmtEntry, FoundEntry } from './register-line.ts';

export interface Conflicts {
  /** What speaks against it: somebody loses all of his files, or we do. Sentences. */
  readonly refusals: readonly string[];
  /** What is good to know. */
  readonly notes: readonly string[];
}

export interface Others {
  readonly kernel: readonly KernelEntry[];
  /** In the order in which they are registered. */
  readonly boot: readonly BootEntry[];
  /** Of these `boot` has those that come before ours; undefined where ours is for now only. */
  readonly before: readonly BootEntry[] | undefined;
}

/** `others` are without those of ours. The kernel asks what was registered last. */
export function conflictsOf(entry: BinfmtEntry, { kernel, boot, before }: Others): Conflicts {
  const refusals: string[] = [];
  const notes: string[] = [];
  for (const other of kernel) {
    if (other.pattern === undefined || !other.enabled) continue;
    const how = relation(entry.pattern, other.pattern);
    if (how === 'the same' || how === 'around')
      refusals.push(`it would take all files of ${described(other)}`);
    else if (how !== 'none in common')
      notes.push(`files that ${described(other)} takes, too, go to ${entry.name}, which is asked first`);
  }
  if (before === undefined) return { refusals, notes };
  for (const other of boot) {
    if (
      other.pattern === undefined ||
      kernel.some(({ name, enabled }) => enabled && name === other.name && before.includes(other))
    )
      continue;
    const how = relation(entry.pattern, other.pattern);
    const where = `${described(other)} of ${other.file}`;
    if (before.includes(other)) {
      if (how === 'the same' || how === 'around') refusals.push(`it would take all files of ${where}`);
    } else if (how === 'the same' || how === 'inside')
      refusals.push(
        `from the next boot on ${where} would take all of its files: that is registered later, and asked first`,
      );
    else if (how !== 'none in common')
      notes.push(
        `from the next boot on files that ${where} takes, too, go there: that is registered later, and asked first`,
      );
  }
  return { refusals, notes };
}

const described = ({ name, interpreter }: FoundEntry): string => `${name} (${interpreter})`;

/** Whose entry the kernel asks before this one of ours for every file of it. */
export function shadowOf(entry: KernelEntry, all: readonly KernelEntry[]): KernelEntry | undefined {
  return all.find(
    (other) =>
      other.enabled &&
      other.since > entry.since &&
      other.pattern !== undefined &&
      entry.pattern !== undefined &&
      ['the same', 'inside'].includes(relation(entry.pattern, other.pattern)),
  );
}

/** Somebody's entry that takes files of this pattern, if ours is not there. */
export function takerOf(entry: BinfmtEntry, all: readonly KernelEntry[]): KernelEntry | undefined {
  return all.find(
    ({ enabled, pattern }) =>
      enabled && pattern !== undefined && ['the same', 'inside'].includes(relation(entry.pattern, pattern)),
  );
}
