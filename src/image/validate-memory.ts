/**
 * The memory of a process that goes on, checked: mappings as the kernel could have them, and bytes only where they are. What holds
 * here the planner relies on: each segment lies in whole pages within one mapping, and objects' bytes within their files.
 */
import { hex } from '../errors.ts';
import type { ObjectExtent, ProgramImage, ResumedProcess, Segment } from './image.ts';
import type { FileReference, Mapping, OpenFile, ProcessState, StoredContent } from './process-state.ts';
import { refuse } from './refusal.ts';

const PAGE_SIZE = 4096n;
/** Four times what vm.max_map_count allows unless somebody has raised it. */
const MAX_MAPPINGS = 1 << 18;
const MAX_SEGMENTS = 1 << 19;
const MAX_EXTENTS = 1 << 20;
/** The largest offset in a file, and the largest file, plus one. */
const OFFSET_LIMIT = 1n << 63n;
const PATH_MAX = 4096;
/** The kernel's own is two pages; it grows with every architecture's wishes. */
const MAX_VDSO = 1n << 16n;
/** PR_SET_VMA_ANON_NAME: ANON_VMA_NAME_MAX_LEN with its NUL. */
const MAX_NAME = 80;

/** Throws IMAGE_REFUSED; `limit` is the first address a process cannot have. */
export function validateMemory(
  { segments }: ProgramImage,
  { state, objects }: ResumedProcess,
  limit: bigint,
): void {
  checkMappings(state, limit);
  checkVdso(state);
  checkSegments(segments, state.mappings);
  checkObjects(objects, state);
}

/** An absolute path that can be given to the kernel. */
export function checkPath(what: string, path: Uint8Array): void {
  if (path[0] !== 0x2f || path.includes(0) || path.length >= PATH_MAX)
    refuse(`${what} has no path that could be a file's: ${shown(path)}`);
}

export function checkFile(what: string, { path, size }: FileReference): void {
  checkPath(what, path);
  if (size !== undefined && size >= OFFSET_LIMIT) refuse(`${what} is a file of an impossible size: ${size}`);
}

function checkMappings({ mappings, openFiles }: ProcessState, limit: bigint): void {
  if (mappings.length === 0 || mappings.length > MAX_MAPPINGS)
    refuse(`the process has ${mappings.length} mappings, and not 1 to ${MAX_MAPPINGS}`);
  let before = 0n;
  for (const mapping of mappings) {
    const { start, end } = mapping;
    const what = nameOf(mapping);
    if (start % PAGE_SIZE !== 0n || end % PAGE_SIZE !== 0n || start >= end)
      refuse(`${what} has no whole pages: ${hex(start)} to ${hex(end)}`);
    if (end > limit) refuse(`${what} ends at ${hex(end)}, past the last user address ${hex(limit - 1n)}`);
    if (start < before) refuse(`${what} lies over the one before it, which ends at ${hex(before)}`);
    before = end;
    checkBacking(mapping, openFiles, what);
    if (mapping.growsDown && (mapping.shared || mapping.backing.kind !== 'anonymous'))
      refuse(`${what} grows down, which only memory of its own can`);
    const { name } = mapping;
    if (name !== undefined && (name.length >= MAX_NAME || name.includes(0)))
      refuse(`${what} has a name of ${name.length} bytes, or one with a NUL`);
  }
}

function checkBacking({ backing, start, end }: Mapping, openFiles: readonly OpenFile[], what: string): void {
  if (backing.kind !== 'file' && backing.kind !== 'object') return;
  const { offset } = backing;
  if (offset < 0n || offset % PAGE_SIZE !== 0n || offset + (end - start) > OFFSET_LIMIT)
    refuse(`${what} has an impossible file offset: ${hex(offset)}`);
  if (backing.kind === 'file') {
    checkFile(what, backing.file);
    return;
  }
  const file = openFiles[backing.openFile];
  if (file === undefined) refuse(`${what} belongs to file ${backing.openFile} of ${openFiles.length}`);
  if (file.kind !== 'memfd' && file.kind !== 'deleted file' && file.kind !== 'shared memory')
    refuse(`${what} belongs to file ${backing.openFile}, a ${file.kind}, which has no bytes to be mapped`);
}

function checkVdso({ mappings, vdso }: ProcessState): void {
  const found = mappings.filter(({ backing }) => backing.kind === 'vdso');
  if (found.length > 1) refuse('the process has more than one [vdso]');
  if (vdso === undefined) return;
  const [mapping] = found;
  if (mapping?.start !== vdso.address) refuse(`there is no [vdso] at ${hex(vdso.address)}`);
  const size = mapping.end - mapping.start;
  if (size > MAX_VDSO) refuse(`[vdso] has ${size} bytes, more than ${MAX_VDSO}`);
  if (BigInt(vdso.image.length) !== size)
    refuse(`[vdso] has ${size} bytes, of which ${vdso.image.length} are there`);
}

function checkSegments(segments: readonly Segment[], mappings: readonly Mapping[]): void {
  if (segments.length > MAX_SEGMENTS)
    refuse(`the process has ${segments.length} segments, more than ${MAX_SEGMENTS}`);
  const ascending = [...segments].sort((one, other) => (one.address < other.address ? -1 : 1));
  let before = 0n;
  let index = 0;
  for (const segment of ascending) {
    const { name, address, size, content } = segment;
    if (address % PAGE_SIZE !== 0n || size % PAGE_SIZE !== 0n || size <= 0n)
      refuse(`${name} at ${hex(address)} with ${hex(size)} bytes has no whole pages`);
    if (address < before) refuse(`${name} at ${hex(address)} lies over the segment before it`);
    before = address + size;
    if (content === undefined || !isInside(content) || BigInt(content.size) !== size)
      refuse(`${name} at ${hex(address)} with ${hex(size)} bytes does not have them in the file`);
    while ((mappings[index]?.end ?? before) <= address) index++;
    const mapping = mappings[index];
    if (mapping === undefined || address < mapping.start || before > mapping.end)
      refuse(`${name} at ${hex(address)} with ${hex(size)} bytes lies in no mapping`);
  }
}

type Content = NonNullable<Segment['content']>;

function isInside({ source, offset, size }: Content): boolean {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(size);
  return whole && offset >= 0 && size >= 0 && offset + size <= source.size;
}

function checkObjects(objects: ResumedProcess['objects'], { openFiles }: ProcessState): void {
  let extents = 0;
  objects.forEach((object, number) => {
    extents += object.length;
    let before = 0n;
    for (const { at, content } of object) {
      if (at < before || !isInside(content) || content.size === 0)
        refuse(`object ${number} has bytes at ${hex(at)} that are not in the file, or over others`);
      before = at + BigInt(content.size);
    }
  });
  if (extents > MAX_EXTENTS) refuse(`the objects have ${extents} runs of bytes, more than ${MAX_EXTENTS}`);
  for (const file of openFiles) {
    if ('content' in file && file.content !== undefined) checkStored(file.content, objects);
  }
}

function checkStored({ object, size }: StoredContent, objects: readonly (readonly ObjectExtent[])[]): void {
  if (size >= OFFSET_LIMIT) refuse(`object ${object} has an impossible size: ${size}`);
  const last = objects[object]?.at(-1);
  const end = last === undefined ? 0n : last.at + BigInt(last.content.size);
  if (end > size) refuse(`object ${object} has ${size} bytes, and some of them behind its end, up to ${end}`);
}

function nameOf({ start, backing }: Mapping): string {
  return backing.kind === 'anonymous'
    ? `the memory at ${hex(start)}`
    : `the ${backing.kind} at ${hex(start)}`;
}

function shown(path: Uint8Array): string {
  const MOST = 60;
  return Buffer.from(path.subarray(0, MOST)).toString();
}
