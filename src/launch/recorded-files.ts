/**
 * The files that a process had: before anything starts, each must be what it was, or what is in the checkpoint would not fit what
 * is in the file.
 */
import { type BigIntStats, statSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import type { ProgramImage, Segment } from '../image/image.ts';
import type { FileReference, Mapping, ProcessState } from '../image/process-state.ts';
import { pathKey } from '../plan/resume/steps.ts';
import { pageEnd } from '../process/address-space.ts';
import { buildIdAt } from '../source/build-id.ts';

export interface FileFindings {
  /** Files (pathKey) that are not what they were, or not there, and none of whose pages are needed. */
  readonly replaced: ReadonlySet<string>;
  /** What has changed and does not stop anything, sentences for people. */
  readonly notes: readonly string[];
}

/** Throws MACHINE_REFUSED with the first file that is not as it must be. */
export function checkRecordedFiles(
  { process, segments }: ProgramImage,
  stdio: 'inherit' | 'recorded' | undefined,
): FileFindings {
  const replaced = new Set<string>();
  const notes: string[] = [];
  if (process === undefined) return { replaced, notes };
  const { state } = process;
  const sorted = [...segments].sort((one, other) => (one.address < other.address ? -1 : 1));
  for (const [key, mappings] of fileMappings(state)) {
    const [first] = mappings;
    if (first?.backing.kind !== 'file') continue;
    const { file } = first.backing;
    const change = changeOf(file, state.root);
    if (change === undefined) continue;
    if (mappings.every((mapping) => isWhole(mapping, sorted))) {
      replaced.add(key);
      notes.push(`${nameOf(file)} ${change.what}: its memory is the checkpoint's`);
    } else if (
      change.kind === 'other' &&
      mappings.every(({ shared }) => shared) &&
      reaches(file, state.root)
    ) {
      // Others may write to it at any time, and the process knows that.
      notes.push(`${nameOf(file)}, which it shares, ${change.what}`);
    } else throw refusal(file, change.what);
  }
  notes.push(...checkOpenFiles(state, stdio));
  return { replaced, notes };
}

/** How a file that the process names is reached from here. */
export function reach(path: Uint8Array, root: Uint8Array): Buffer {
  return root.length <= 1 ? Buffer.from(path) : Buffer.concat([root, path]);
}

/** Those that are open can have been written to since; only that they are there counts. */
function checkOpenFiles(
  { openFiles, descriptors = [], root }: ProcessState,
  stdio: 'inherit' | 'recorded' | undefined,
): string[] {
  const isNeeded = (index: number) =>
    descriptors.some(({ number, openFile }) => openFile === index && (number > 2 || stdio !== 'inherit'));
  return openFiles.flatMap((open, index) => {
    if (open.kind !== 'file' || !isNeeded(index)) return [];
    const change = changeOf({ ...open.file, buildId: undefined }, root);
    if (change === undefined) return [];
    if (change.kind === 'missing') throw refusal(open.file, change.what, OPEN_HINT);
    return [`${nameOf(open.file)}, which it has open, ${change.what}`];
  });
}

const MAPPED_HINT =
  'bring the file back, or make the checkpoint with --complete, which holds what it needs of files';
const OPEN_HINT = 'bring the file back: the process has it open';

function refusal(file: FileReference, what: string, hint = MAPPED_HINT): ForeignError {
  return new ForeignError('MACHINE_REFUSED', `cannot go on: ${nameOf(file)} ${what}`, { hint });
}

interface Change {
  readonly kind: 'missing' | 'other';
  /** Behind its name. */
  readonly what: string;
}

/** What of a file is not as it was recorded. */
export function changeOf(file: FileReference, root: Uint8Array): Change | undefined {
  const path = reach(file.path, root);
  let stat: BigIntStats;
  try {
    stat = statSync(path, { bigint: true });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    return {
      kind: 'missing',
      what: why === 'ENOENT' ? 'is not there any more' : `cannot be reached: ${why}`,
    };
  }
  if (!stat.isFile()) return { kind: 'missing', what: 'is no regular file any more' };
  if (file.size !== undefined && stat.size !== file.size)
    return { kind: 'other', what: `had ${file.size} bytes and has ${stat.size} now` };
  if (file.mtimeNs !== undefined && stat.mtimeNs !== file.mtimeNs)
    return {
      kind: 'other',
      what: `was last written at ${time(file.mtimeNs)}, and now at ${time(stat.mtimeNs)}`,
    };
  if (file.buildId === undefined) return undefined;
  const id = buildIdAt(path);
  if (id !== undefined && Buffer.compare(id, file.buildId) === 0) return undefined;
  const now = id === undefined ? 'none' : Buffer.from(id).toString('hex');
  return {
    kind: 'other',
    what: `had the build id ${Buffer.from(file.buildId).toString('hex')} and has ${now} now`,
  };
}

/** To the nanosecond where a second does not tell. */
function time(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  const fraction = String(BigInt.asUintN(64, ns) % 1_000_000_000n).padStart(9, '0');
  return Number.isNaN(date.getTime()) ? `${ns} ns` : date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}

/** By path. */
function fileMappings({ mappings }: ProcessState): Map<string, Mapping[]> {
  const found = new Map<string, Mapping[]>();
  for (const mapping of mappings) {
    if (mapping.backing.kind !== 'file') continue;
    const key = pathKey(mapping.backing.file.path);
    found.set(key, [...(found.get(key) ?? []), mapping]);
  }
  return found;
}

/** Whether every page that a mapping can have is in the image; behind the file's end there is none. */
function isWhole(mapping: Mapping, segments: readonly Segment[]): boolean {
  if (mapping.shared || mapping.backing.kind !== 'file') return false;
  const { file, offset } = mapping.backing;
  const last = file.size === undefined ? mapping.end : mapping.start + pageEnd(file.size) - offset;
  const end = last < mapping.end ? last : mapping.end;
  let at = mapping.start;
  for (const { address, content } of segments) {
    const size = BigInt(content?.size ?? 0);
    if (address + size <= at) continue;
    if (address > at || at >= end) break;
    at = address + size;
  }
  return at >= end;
}

/** A file that has become shorter would end the process where it touches what was behind. */
function reaches({ path, size }: FileReference, root: Uint8Array): boolean {
  return size === undefined || statSync(reach(path, root), { bigint: true }).size >= size;
}

const nameOf = ({ path }: FileReference): string => Buffer.from(path).toString();
