/** What stands against the entries of a format on this machine, before anything is changed. */
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { type BootEntry, bootEntries, isOwn, type Style } from './boot-files.ts';
import { conflictsOf } from './conflicts.ts';
import { isOurs } from './context.ts';
import { NAME_PREFIX, type OwnEntry } from './entry.ts';
import { kernelState } from './kernel.ts';
import { BINPRM_BUF_SIZE, matches } from './pattern.ts';

export interface Judged {
  readonly entry: OwnEntry;
  /** What cannot be lifted. */
  readonly impossible: string | undefined;
  /** What --force lifts. */
  readonly refusals: readonly string[];
  readonly notes: readonly string[];
}

export interface Circumstances {
  /** Whether the kernel is told. */
  readonly live: boolean;
  /** Who reads the files for the next boot; undefined where there are to be none. */
  readonly style: Style | undefined;
  readonly root: string;
}

export function judge(entries: readonly OwnEntry[], { live, style, root }: Circumstances): Judged[] {
  const kernel = live ? kernelState().entries : [];
  const boot = bootEntries(root).filter((each) => !isOwn(each.file) && !isOurs(each));
  const starts = live ? [...new Set(entries.map(({ interpreter }) => interpreter))].map(startOf) : [];
  const node = startOf(process.execPath);
  return entries.map((entry) => {
    const namesake = kernel.find(({ name }) => name === entry.name);
    const before =
      style === undefined ? undefined : boot.filter((each) => comesBefore(each, style, entry.format));
    const others = kernel.filter((each) => !isOurs(each) && each.name !== entry.name);
    const { refusals, notes } = conflictsOf(entry, { kernel: others, boot, before });
    const taken =
      namesake === undefined || isOurs(namesake)
        ? []
        : [`somebody else's entry has this name, which starts ${namesake.interpreter}`];
    const loop = [...starts, node].some((start) => matches(entry.pattern, start));
    return {
      entry,
      impossible: loop ? 'it would match what runs such programs, without end' : undefined,
      refusals: [...taken, ...refusals],
      notes,
    };
  });
}

/** update-binfmts is started behind systemd-binfmt, which goes by the names of its files. */
function comesBefore(other: BootEntry, style: Style, format: string): boolean {
  if (style === 'debian') return true;
  return other.style === 'systemd' && basename(other.file) < `${NAME_PREFIX}${format}.conf`;
}

/** What the kernel would look at. */
function startOf(path: string): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(BINPRM_BUF_SIZE);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
