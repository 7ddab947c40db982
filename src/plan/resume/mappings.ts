/**
 * The memory of a process: each of its mappings where it was, with what it held. What its protection does not let us write is
 * writable at first.
 */
import type { FileReference, Mapping, OpenFile, VmFlag } from '../../image/process-state.ts';
import { pageEnd } from '../../process/address-space.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import { isMapped, mapPiece, readSteps } from './contents.ts';
import type { ResumeContext } from './context.ts';
import { AT_FDCWD, MAP, NONE, O, PR, PR_SET_VMA_ANON_NAME, PROT } from './kernel.ts';
import { isStored, objectFile, type WholeObject, wholeObjectSteps } from './objects.ts';
import { call, cString, pathKey, shown } from './steps.ts';

/** The file that mappings are made of at the moment. */
const FILE: Value = { kept: 'mapped file' };

/** All but the kernel's own (vDSO). */
export function mappingSteps(context: ResumeContext, whole: readonly WholeObject[]): ResumeStep[] {
  const steps: ResumeStep[] = whole.flatMap((each) => wholeObjectSteps(context, each));
  steps.push(...holes(context, whole));
  let open: string | undefined;
  for (const mapping of context.state.mappings) {
    const { backing } = mapping;
    if (backing.kind === 'vdso' || backing.kind === 'vvar' || backing.kind === 'vvar_vclock') continue;
    const file = backing.kind === 'file' && !isReplaced(mapping, context) ? backing.file : undefined;
    if (file !== undefined) {
      const access = accessFor(mapping, file, context);
      const key = `${access} ${pathKey(file.path)}`;
      if (key !== open) {
        if (open !== undefined) steps.push(call('close', [FILE], 'close a file'));
        const args = [AT_FDCWD, context.paths.of(file.path), access | O.CLOEXEC | O.NOCTTY, 0];
        steps.push(call('openat', args, `open ${shown(file.path)}`, { keep: 'mapped file' }));
        open = key;
      }
    }
    const isThere = backing.kind === 'object' && whole.some(({ openFile }) => openFile === backing.openFile);
    steps.push(...(isThere ? protect(mapping, PROT.READ | PROT.WRITE) : mapSteps(mapping, context)));
    steps.push(...adviceSteps(mapping));
  }
  if (open !== undefined) steps.push(call('close', [FILE], 'close a file'));
  return steps;
}

/** When nothing is changed any more: what is locked is read into memory, what is sealed stays as it is. */
export function lockSteps({ state }: ResumeContext): ResumeStep[] {
  return state.mappings.flatMap((mapping) => {
    const { start, flags } = mapping;
    const [size, what] = [mapping.end - start, nameOf(mapping)];
    const steps: ResumeStep[] = [];
    if (isKernels(mapping)) return steps;
    if (flags.includes('lf'))
      steps.push(call('mlock2', [start, size, MLOCK_ONFAULT], `lock ${what}`, { onError: 'say' }));
    else if (flags.includes('lo'))
      steps.push(call('mlock', [start, size], `lock ${what}`, { onError: 'say' }));
    if (flags.includes('sl')) steps.push(call('mseal', [start, size, 0], `seal ${what}`, { onError: 'say' }));
    return steps;
  });
}

/** Shared memory that all of the object's mappings, and nothing else, can be made of by one anonymous mapping. */
export function wholeObjects({ mappings, openFiles, descriptors }: ResumeContext['state']): WholeObject[] {
  return openFiles.flatMap((file, openFile): WholeObject[] => {
    if (file.kind !== 'shared memory' || sharesContent(openFiles, file)) return [];
    if (descriptors?.some((descriptor) => descriptor.openFile === openFile)) return [];
    const parts = mappings.filter(
      ({ backing }) => backing.kind === 'object' && backing.openFile === openFile,
    );
    const bases = new Set(parts.map((part) => part.start - offsetOf(part)));
    const [base] = bases;
    const size = pageEnd(file.content.size);
    if (base === undefined || base < 0n || bases.size > 1 || size === 0n) return [];
    if (parts.some(({ shared, end }) => !shared || end > base + size)) return [];
    const others = mappings.some(
      (other) => !parts.includes(other) && other.start < base + size && other.end > base,
    );
    return others ? [] : [{ openFile, base, size }];
  });
}

function sharesContent(openFiles: readonly OpenFile[], file: OpenFile): boolean {
  return (
    isStored(file) &&
    openFiles.some((each) => each !== file && isStored(each) && each.content.object === file.content.object)
  );
}

function offsetOf({ backing }: Mapping): bigint {
  return backing.kind === 'object' || backing.kind === 'file' ? backing.offset : 0n;
}

function holes({ state }: ResumeContext, whole: readonly WholeObject[]): ResumeStep[] {
  return whole.flatMap(({ openFile, base, size }) => {
    const steps: ResumeStep[] = [];
    let at = base;
    const end = { start: base + size, end: base + size };
    const parts = state.mappings.filter(
      ({ backing }) => backing.kind === 'object' && backing.openFile === openFile,
    );
    for (const part of [...parts, end]) {
      if (part.start > at) steps.push(call('munmap', [at, part.start - at], 'make room'));
      at = part.end;
    }
    return steps;
  });
}

function mapSteps(mapping: Mapping, context: ResumeContext): ResumeStep[] {
  const { start, end, backing, shared } = mapping;
  const what = nameOf(mapping);
  const final = protectionOf(mapping);
  // What is shared has its bytes from the object, or lets the file have them.
  const pieces = holdsBytes(mapping, context) ? (context.pieces.get(mapping) ?? []) : [];
  const toRead = pieces.filter((piece) => mapping.growsDown || !isMapped(piece, context));
  const toMap = pieces.filter((piece) => !toRead.includes(piece));
  const first = toRead.length > 0 && !mapping.protection.write ? PROT.READ | PROT.WRITE : final;
  const [fd, offset, anonymous] =
    backing.kind === 'object'
      ? [objectOf(backing.openFile, context), backing.offset, 0]
      : backing.kind === 'file' && !isReplaced(mapping, context)
        ? [FILE, backing.offset, 0]
        : [NONE, 0n, MAP.ANONYMOUS];
  const flags =
    (shared ? MAP.SHARED : MAP.PRIVATE) |
    anonymous |
    MAP.FIXED_NOREPLACE |
    (mapping.growsDown ? MAP.GROWSDOWN : 0) |
    (mapping.flags.includes('nr') ? MAP.NORESERVE : 0);
  return [
    call('mmap', [start, end - start, first, flags, fd, offset], `map ${what}`, { expect: start }),
    // Before they are written to: afterwards pages are as they are.
    ...(mapping.flags.includes('hg') ? [advise(mapping, 'hg')] : []),
    ...toRead.flatMap(({ address, content }) => readSteps(context, address, content, what)),
    ...toMap.map((piece) => mapPiece(context, piece, first, what)),
    ...protect(mapping, first),
  ];
}

function protect(mapping: Mapping, now: number): ResumeStep[] {
  const wanted = protectionOf(mapping);
  if (wanted === now) return [];
  const { start, end } = mapping;
  return [call('mprotect', [start, end - start, wanted], `protect ${nameOf(mapping)}`)];
}

function adviceSteps(mapping: Mapping): ResumeStep[] {
  const { start, end, flags, name } = mapping;
  const steps: ResumeStep[] = flags
    .filter((flag) => flag in ADVICE && flag !== 'hg')
    .map((flag) => advise(mapping, flag));
  if (name === undefined) return steps;
  const args = [PR.SET_VMA, PR_SET_VMA_ANON_NAME, start, end - start, { bytes: cString(name) }];
  return [...steps, call('prctl', args, 'name memory', { onError: 'say' })];
}

function advise(mapping: Mapping, flag: VmFlag): ResumeStep {
  const { start, end } = mapping;
  return call('madvise', [start, end - start, ADVICE[flag] ?? 0], `advise ${nameOf(mapping)}`, {
    onError: 'say',
  });
}

/** madvise(2), include/uapi/asm-generic/mman-common.h */
const ADVICE: Partial<Record<VmFlag, number>> = {
  rr: 1,
  sr: 2,
  dc: 10,
  mg: 12,
  hg: 14,
  nh: 15,
  dd: 16,
  wf: 18,
};
/** mlock2(2) */
const MLOCK_ONFAULT = 1;

/** A mapping of its own pages: those of a shared one are the file's or the object's. */
export function holdsBytes(mapping: Mapping, context: Pick<ResumeContext, 'invocation'>): boolean {
  return !mapping.shared || isReplaced(mapping, context);
}

function isReplaced({ backing }: Mapping, { invocation }: Pick<ResumeContext, 'invocation'>): boolean {
  return backing.kind === 'file' && invocation.replaced?.has(pathKey(backing.file.path)) === true;
}

/**
 * Who maps a file shared may write to it only if it is open for that; that one who has it open for writing has mapped it so is
 * likely, and lets the memory become writable later.
 */
function accessFor(
  { shared, protection }: Mapping,
  { path }: FileReference,
  { state }: ResumeContext,
): number {
  if (!shared) return O.RDONLY;
  if (protection.write) return O.RDWR;
  const key = pathKey(path);
  const writer = state.openFiles.some(
    (file) => file.kind === 'file' && (file.flags & O.ACCMODE) === O.RDWR && pathKey(file.file.path) === key,
  );
  return writer ? O.RDWR : O.RDONLY;
}

function objectOf(index: number, { state }: ResumeContext): Value {
  const file = state.openFiles[index];
  return isStored(file) ? objectFile(file.content) : NONE;
}

function protectionOf({ protection: { read, write, execute } }: Mapping): number {
  return (read ? PROT.READ : 0) | (write ? PROT.WRITE : 0) | (execute ? PROT.EXEC : 0);
}

function isKernels({ backing: { kind } }: Mapping): boolean {
  return kind === 'vdso' || kind === 'vvar' || kind === 'vvar_vclock';
}

function nameOf({ backing, growsDown }: Mapping): string {
  if (backing.kind === 'file') return shown(backing.file.path);
  if (backing.kind === 'object') return 'shared memory';
  return growsDown ? 'the stack' : 'memory';
}
