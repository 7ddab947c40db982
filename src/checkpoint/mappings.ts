/** The mappings of a process: what is behind each, and which pages have to be stored. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Mapping, MappingBacking, OpenFile, StoredContent } from '../image/process-state.ts';
import { type PageRun, presentPages } from '../native/page-scan.ts';
import { pageEnd } from '../process/address-space.ts';
import type { ProcessFiles } from './file-reference.ts';
import type { Findings } from './findings.ts';
import { type MapsEntry, settableFlags, withoutRemark } from './maps.ts';
import type { CapturedObjects } from './objects.ts';

export interface MemoryRun {
  readonly address: bigint;
  /** Bytes, whole pages. */
  readonly size: bigint;
}

export interface CapturedMappings {
  readonly mappings: readonly Mapping[];
  /** What must be stored, ascending; a run lies in one mapping. */
  readonly runs: readonly MemoryRun[];
}

export interface MappingContext {
  readonly pid: number;
  readonly files: ProcessFiles;
  readonly objects: CapturedObjects;
  readonly findings: Findings;
  /** Where objects that are only mapped are added. */
  readonly openFiles: OpenFile[];
  /** Of the files without a name that descriptors are open on, by `device inode`. */
  readonly nameless: ReadonlyMap<string, number>;
  /** Whether clean pages of files are stored, too. */
  readonly complete: boolean;
  /** Fills all of `into` from the process's memory. Undefined when it is only asked what could be stored, and no bytes are taken. */
  readonly read: ((address: bigint, into: Uint8Array) => void) | undefined;
}

const ANONYMOUS_NAME = /^\[anon(?:_shmem)?:(.*)\]$/s;
const SPECIAL = new Map<string, MappingBacking['kind'] & ('vdso' | 'vvar' | 'vvar_vclock')>([
  ['[vdso]', 'vdso'],
  ['[vvar]', 'vvar'],
  ['[vvar_vclock]', 'vvar_vclock'],
]);

export function captureMappings(entries: readonly MapsEntry[], context: MappingContext): CapturedMappings {
  const shared = new SharedObjects(context, entries);
  const mappings: Mapping[] = [];
  const runs: MemoryRun[] = [];
  const present = presentPages(context.pid, entries);
  let next = 0;
  for (const entry of entries) {
    while (next < present.length && (present[next]?.end ?? 0n) <= entry.start) next++;
    const pages: PageRun[] = [];
    for (let index = next; index < present.length; index++) {
      const run = present[index];
      if (run === undefined || run.start >= entry.end) break;
      pages.push(run);
    }
    const backing = backingOf(entry, context, shared);
    const name = ANONYMOUS_NAME.exec(Buffer.from(entry.path).toString('latin1'))?.[1];
    mappings.push({
      start: entry.start,
      end: entry.end,
      protection: entry.protection,
      shared: entry.shared,
      growsDown: entry.vmFlags.includes('gd'),
      backing,
      flags: settableFlags(entry),
      ...(name !== undefined && { name: Buffer.from(name, 'latin1') }),
    });
    runs.push(...runsOf(entry, backing, pages, context.complete));
  }
  return { mappings, runs };
}

function runsOf(
  { start, end, shared, inode }: MapsEntry,
  backing: MappingBacking,
  pages: readonly PageRun[],
  complete: boolean,
): MemoryRun[] {
  // What is shared is the file's or the object's.
  if (shared || !['anonymous', 'file', 'object'].includes(backing.kind)) return [];
  // Memory of its own that is mapped from a checkpoint (--map-memory): what was never touched is there only.
  const restored = backing.kind === 'anonymous' && inode !== 0n;
  const whole = restored || (backing.kind === 'file' && complete);
  const wanted = whole
    ? [{ start, end: endOfFile(start, end, backing), file: true }]
    : pages.filter(({ file }) => !file || backing.kind === 'anonymous');
  const runs: MemoryRun[] = [];
  for (const page of wanted) {
    if (page.end <= start) continue;
    const from = page.start > start ? page.start : start;
    const to = page.end < end ? page.end : end;
    const before = runs.at(-1);
    if (before !== undefined && before.address + before.size === from) {
      runs[runs.length - 1] = { address: before.address, size: to - before.address };
    } else runs.push({ address: from, size: to - from });
  }
  return runs;
}

/** Behind its file's last page nothing can be read (SIGBUS). */
function endOfFile(start: bigint, end: bigint, backing: MappingBacking): bigint {
  if (backing.kind !== 'file' || backing.file.size === undefined) return end;
  const last = start + pageEnd(backing.file.size > backing.offset ? backing.file.size - backing.offset : 0n);
  return last < end ? last : end;
}

function backingOf(entry: MapsEntry, context: MappingContext, shared: SharedObjects): MappingBacking {
  const { findings, files } = context;
  const text = Buffer.from(entry.path).toString('latin1');
  const special = SPECIAL.get(text);
  if (special !== undefined) return { kind: special };
  const refuse = (why: string, skip: 'devices' | 'others'): MappingBacking => {
    findings.add({ object: `the mapping at 0x${entry.start.toString(16)}`, what: text, why, skip });
    return { kind: 'anonymous' };
  };
  if (entry.vmFlags.includes('io') || entry.vmFlags.includes('pf'))
    return refuse('is memory of a device', 'devices');
  if (entry.inode === 0n && (text === '' || text.startsWith('['))) {
    if (text === '' || text === '[heap]' || text === '[stack]' || ANONYMOUS_NAME.test(text))
      return { kind: 'anonymous' };
    return refuse('is memory of a kind that a checkpoint does not know', 'others');
  }
  if (entry.inode === 0n) return refuse('is memory of a device', 'devices');
  const { path, deleted } = withoutRemark(entry.path);
  const gone =
    (deleted && !files.isThere(entry.path, entry.inode)) ||
    text.startsWith('/memfd:') ||
    text.startsWith('/dev/zero');
  if (!entry.shared && isCheckpoint(gone ? mappedFile(context.pid, entry) : files.reach(entry.path))) {
    return { kind: 'anonymous' };
  }
  if (!gone) {
    return { kind: 'file', file: files.reference(entry.path), offset: entry.offset };
  }
  return { kind: 'object', openFile: shared.of(entry, path), offset: entry.offset };
}

/** How a file can be opened that has lost its name: proc_pid_map_files(5). */
function mappedFile(pid: number, { start, end }: MapsEntry): Buffer {
  return Buffer.from(`/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`);
}

/** What was brought back is mapped from its checkpoint, and is memory of its own. */
function isCheckpoint(path: Buffer): boolean {
  const header = Buffer.alloc(18);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    // Who may execute a file need not be able to read it.
    return false;
  }
  try {
    if (readSync(fd, header, 0, header.length, 0) < header.length) return false;
  } finally {
    closeSync(fd);
  }
  const ET_CORE = 4;
  return header.readUInt32BE(0) === 0x7f454c46 && header.readUInt16LE(16) === ET_CORE;
}

/** Files without a name that are mapped, each once, be it mapped or open more than once. */
class SharedObjects {
  readonly #context: MappingContext;
  readonly #entries: readonly MapsEntry[];
  readonly #known: Map<string, number>;

  constructor(context: MappingContext, entries: readonly MapsEntry[]) {
    this.#context = context;
    this.#entries = entries;
    this.#known = new Map(context.nameless);
  }

  of(entry: MapsEntry, path: Uint8Array): number {
    const key = `${entry.device} ${entry.inode}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { openFiles, read } = this.#context;
    const content = read === undefined ? { object: 0, size: 0n } : this.#content(entry, read);
    const text = Buffer.from(path).toString('latin1');
    const file: OpenFile = text.startsWith('/memfd:')
      ? {
          flags: 2,
          kind: 'memfd',
          name: Buffer.from(path).subarray(7),
          position: 0n,
          mode: 0o777,
          seals: 0,
          content,
        }
      : text.startsWith('/dev/zero') || text.startsWith('/SYSV')
        ? { flags: 2, kind: 'shared memory', content }
        : { flags: 2, kind: 'deleted file', path, position: 0n, mode: 0o600, content };
    const index = openFiles.push(file) - 1;
    this.#known.set(key, index);
    return index;
  }

  /** All of the file, where this process may open it (proc_pid_map_files(5)); else what of it is mapped. */
  #content(entry: MapsEntry, read: NonNullable<MappingContext['read']>): StoredContent {
    const { pid, objects } = this.#context;
    try {
      return objects.addFile(mappedFile(pid, entry));
    } catch (cause) {
      if (!['EPERM', 'EACCES'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    }
    const parts = this.#entries
      .filter(({ device, inode }) => device === entry.device && inode === entry.inode)
      .map((each) => ({ at: each.offset, size: each.end - each.start, address: each.start }))
      .sort((one, other) => (one.at < other.at ? -1 : 1));
    const extents: typeof parts = [];
    let done = 0n;
    for (const { at, size, address } of parts) {
      const from = at > done ? at : done;
      if (from >= at + size) continue;
      extents.push({ at: from, size: at + size - from, address: address + (from - at) });
      done = at + size;
    }
    return objects.addMemory(done, extents, (at, into) => {
      const extent = extents.find((each) => each.at <= at && at < each.at + each.size);
      if (extent !== undefined) read(extent.address + (at - extent.at), into);
    });
  }
}
