/**
 * Files that no name leads to any more: memfds, deleted files, shared memory without a name. They are made anew, filled, and
 * have a descriptor among those that the steps work with.
 */
import type { OpenFile, StoredContent } from '../../image/process-state.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import { readSteps } from './contents.ts';
import type { ResumeContext } from './context.ts';
import { AT_FDCWD, F, MAP, O, PROT, SEEK_SET } from './kernel.ts';
import { call, cString, firstOf, shown, text, u64s } from './steps.ts';

/** memfd_create(2) */
const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2 } as const;
/** fcntl(2), F_ADD_SEALS: a memfd that cannot be sealed has the first from the beginning. */
const F_SEAL_SEAL = 1;
const F_SEAL_WRITE = 8;
const S_PERMISSIONS = 0o7777;
const ALL = 0o777;
const PRIVATE_MODE = 0o600;

type StoredFile = Extract<OpenFile, { kind: 'memfd' | 'deleted file' | 'shared memory' }>;

export function isStored(file: OpenFile | undefined): file is StoredFile {
  return file?.kind === 'memfd' || file?.kind === 'deleted file' || file?.kind === 'shared memory';
}

/** The descriptor of an object, for reading and writing. */
export const objectFile = ({ object }: StoredContent): Value => ({ kept: `object ${object}` });

/**
 * Steps that open something as a descriptor above all that the process has, kept as `name`. The steps `open` keep what they
 * open as `low`.
 */
export function openAbove(open: readonly ResumeStep[], name: string, above: number): ResumeStep[] {
  return [
    ...open,
    call('fcntl', [LOW, F.DUPFD_CLOEXEC, above], 'number a descriptor', { keep: name }),
    call('close', [LOW], 'close a descriptor'),
  ];
}

export const LOW: Value = { kept: 'low' };

/** Makes and fills all objects that descriptors or mappings need as files. `anonymous` are indices of files that they do not. */
export function objectSteps(context: ResumeContext, anonymous: ReadonlySet<number>): ResumeStep[] {
  const made = new Set<number>();
  return context.state.openFiles.flatMap((file, index) => {
    if (!isStored(file) || anonymous.has(index) || made.has(file.content.object)) return [];
    made.add(file.content.object);
    return [
      ...openAbove(create(file, context), `object ${file.content.object}`, context.above),
      ...fill(file, context),
    ];
  });
}

/** Seals forbid what comes before: those against writing forbid shared mappings that could be written to as well. */
export function sealSteps({ state }: ResumeContext, when: 'before mapping' | 'after mapping'): ResumeStep[] {
  return state.openFiles.flatMap((file) => {
    if (file.kind !== 'memfd' || file.seals === 0 || file.seals === F_SEAL_SEAL) return [];
    const first = (file.seals & F_SEAL_WRITE) !== 0;
    if (first !== (when === 'before mapping')) return [];
    return [call('fcntl', [objectFile(file.content), F.ADD_SEALS, file.seals], `seal ${nameOf(file)}`)];
  });
}

function create(file: StoredFile, { paths }: ResumeContext): ResumeStep[] {
  const what = `make ${nameOf(file)}`;
  const low = { keep: 'low' } as const;
  if (file.kind === 'shared memory')
    return [call('memfd_create', [text('shared memory'), MFD.CLOEXEC], what, low)];
  if (file.kind === 'memfd') {
    const flags = MFD.CLOEXEC | (file.seals === F_SEAL_SEAL ? 0 : MFD.ALLOW_SEALING);
    return [call('memfd_create', [{ bytes: cString(file.name) }, flags], what, low)];
  }
  const { path } = file;
  const directory = path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
  const open = O.RDWR | O.CLOEXEC | O.NOCTTY;
  const named = [AT_FDCWD, paths.of(path), open | O.CREAT | O.EXCL, PRIVATE_MODE];
  const nameless = [AT_FDCWD, paths.of(directory), open | O.TMPFILE | O.DIRECTORY, PRIVATE_MODE];
  const inMemory = [{ bytes: cString(path.subarray(path.lastIndexOf(0x2f) + 1)) }, MFD.CLOEXEC];
  return [
    // By its old name, so that it is called as it was; if somebody has taken the name, without one.
    call('openat', named, what, { ...low, onError: 'ignore', skipOnError: 1 }),
    call('unlinkat', [AT_FDCWD, paths.of(path), 0], `delete ${shown(path)}`, { skipOnSuccess: 2 }),
    ...firstOf(call('openat', nameless, what, low), call('memfd_create', inMemory, what, low)),
  ];
}

function fill(file: StoredFile, context: ResumeContext): ResumeStep[] {
  const { size, object } = file.content;
  const to = objectFile(file.content);
  const what = `write ${nameOf(file)}`;
  const extents = context.objects[object] ?? [];
  const mode = file.kind === 'shared memory' ? ALL : file.mode & S_PERMISSIONS;
  return [
    ...(size > 0n ? [call('ftruncate', [to, size], `make ${nameOf(file)} as large as it was`)] : []),
    ...extents.flatMap(({ at, content }) => [
      call('lseek', [to, at, SEEK_SET], what),
      ...sendSteps(context, to, content, what),
    ]),
    ...(file.kind === 'memfd' && mode === ALL ? [] : [call('fchmod', [to, mode], what)]),
  ];
}

/** Writes bytes of the image to where `to` stands. */
export function sendSteps(
  { materials }: ResumeContext,
  to: Value,
  content: Parameters<typeof materials.locate>[0],
  what: string,
): ResumeStep[] {
  const { file, offset } = materials.locate(content);
  const from = { kept: `file ${file}` };
  return [call('sendfile', [to, from, u64s(offset), content.size], what, { repeat: 'sendfile' })];
}

/** Memory of one object that is mapped in one place, in order: it needs no file, as it had none. */
export interface WholeObject {
  readonly openFile: number;
  readonly base: bigint;
  readonly size: bigint;
}

/** Maps it as a whole, filled; what of it is not mapped is taken away by whoever maps the parts. */
export function wholeObjectSteps(
  context: ResumeContext,
  { openFile, base, size }: WholeObject,
): ResumeStep[] {
  const file = context.state.openFiles[openFile];
  if (file?.kind !== 'shared memory') return [];
  const flags = MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED_NOREPLACE;
  const what = 'shared memory';
  const extents = context.objects[file.content.object] ?? [];
  return [
    call('mmap', [base, size, PROT.READ | PROT.WRITE, flags, -1n, 0], `map ${what}`, { expect: base }),
    ...extents.flatMap(({ at, content }) => readSteps(context, base + at, content, what)),
  ];
}

function nameOf(file: StoredFile): string {
  if (file.kind === 'memfd') return `the memfd ${shown(file.name)}`;
  return file.kind === 'deleted file' ? `${shown(file.path)} (deleted)` : 'shared memory';
}
