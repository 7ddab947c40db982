/** The descriptors of a process: which there are, which are duplicates of each other, and their locks. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Descriptor, FileLock, OpenFile } from '../image/process-state.ts';
import { sameOpenFile } from '../native/file-facts.ts';
import { parseFdInfo } from './fdinfo.ts';
import type { ProcessFiles } from './file-reference.ts';
import type { Findings } from './findings.ts';
import type { CapturedObjects } from './objects.ts';
import { type OpenFileContext, openFileOf, type RawDescriptor } from './open-file.ts';

export interface CapturedDescriptors {
  readonly descriptors: readonly Descriptor[];
  readonly openFiles: OpenFile[];
  readonly locks: readonly FileLock[];
  /** Of files without a name: the index of the open file by `device inode`, as maps has them. */
  readonly nameless: ReadonlyMap<string, number>;
}

const O_CLOEXEC = 0o2000000;
const STANDARD_STREAMS = 3;

export function captureDescriptors(
  pid: number,
  files: ProcessFiles,
  objects: CapturedObjects,
  findings: Findings,
  contents: boolean,
): CapturedDescriptors {
  const all = rawDescriptors(pid);
  const context: OpenFileContext = {
    pid,
    files,
    objects,
    contents,
    all,
    standard: (raw) => standardOf(raw, all),
  };
  const openFiles: OpenFile[] = [];
  const firsts: { raw: RawDescriptor; index: number }[] = [];
  const descriptors = all.map((raw) => {
    let index = firsts.find((first) => isDuplicate(pid, first.raw, raw))?.index;
    if (index === undefined) {
      index = openFiles.push(captureOne(raw, context, findings)) - 1;
      firsts.push({ raw, index });
    }
    return { number: raw.number, closeOnExec: (raw.info.flags & O_CLOEXEC) !== 0, openFile: index };
  });
  const nameless = new Map(
    firsts
      .filter(({ index }) => ['memfd', 'deleted file'].includes(openFiles[index]?.kind ?? ''))
      .map(({ raw, index }) => [inodeKey(pid, raw.number), index] as const),
  );
  return { descriptors, openFiles, locks: all.flatMap((raw) => locksOf(pid, raw)), nameless };
}

/** As maps writes a device: major and minor in hexadecimal, two digits at least (fs/proc/task_mmu.c). */
function inodeKey(pid: number, descriptor: number): string {
  const { dev, ino } = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const digits = (number: bigint) => number.toString(16).padStart(2, '0');
  return `${digits(major)}:${digits(minor)} ${ino}`;
}

function rawDescriptors(pid: number): RawDescriptor[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .sort((left, right) => left - right)
    .map((number) => ({
      number,
      link: readlinkSync(`/proc/${pid}/fd/${number}`, 'buffer'),
      info: parseFdInfo(readFileSync(`/proc/${pid}/fdinfo/${number}`, 'latin1')),
    }));
}

function captureOne(raw: RawDescriptor, context: OpenFileContext, findings: Findings): OpenFile {
  const found = openFileOf(raw, context);
  if ('kind' in found) return found;
  const what = Buffer.from(raw.link).toString();
  findings.add({ object: `descriptor ${raw.number}`, what, ...found });
  return { flags: 0, kind: 'skipped', what };
}

const isSame = (left: RawDescriptor, right: RawDescriptor): boolean =>
  Buffer.compare(left.link, right.link) === 0 && left.info.inode === right.info.inode;

/** Two that share an open file description have all of this in common, so few need be asked about. */
function isDuplicate(pid: number, left: RawDescriptor, right: RawDescriptor): boolean {
  const alike =
    isSame(left, right) &&
    left.info.position === right.info.position &&
    ((left.info.flags ^ right.info.flags) & ~O_CLOEXEC) === 0;
  return alike && sameOpenFile(pid, left.number, right.number);
}

function standardOf(raw: RawDescriptor, all: readonly RawDescriptor[]): number | undefined {
  return all.find((other) => other.number < STANDARD_STREAMS && isSame(other, raw))?.number;
}

const LOCK = /^\d+: (POSIX|OFDLCK|FLOCK) +ADVISORY +(READ|WRITE) (-?\d+) \S+ (\d+) (\d+|EOF)/;
const LOCK_KINDS = { POSIX: 'posix', OFDLCK: 'ofd', FLOCK: 'flock' } as const;

/** fdinfo shows a POSIX lock at every descriptor of the file; it is one all the same, and setting it twice does no harm. */
function locksOf(pid: number, { number, info }: RawDescriptor): FileLock[] {
  return (info.fields.get('lock') ?? []).flatMap((line): FileLock[] => {
    const match = LOCK.exec(line);
    if (match === null) return [];
    const [, kind, type, owner, start = '0', end = 'EOF'] = match;
    if (kind === 'POSIX' && Number(owner) !== pid) return [];
    return [
      {
        kind: LOCK_KINDS[kind as keyof typeof LOCK_KINDS],
        write: type === 'WRITE',
        descriptor: number,
        start: BigInt(start),
        ...(end !== 'EOF' && { end: BigInt(end) + 1n }),
      },
    ];
  });
}
