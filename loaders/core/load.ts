/** A core file → the process that it was, with the memory that the file has. */
import type {
  ObjectExtent,
  OnProgress,
  ProcessState,
  ProgramImage,
  Segment,
  Source,
} from 'run-foreign/loader';
import { processImage } from 'run-foreign/loader';
import { checkDigest, digestNote } from './digest.ts';
import { PF, PT } from './elf-core.ts';
import { foreignState } from './foreign.ts';
import { type CoreHeader, headerError, readCoreHeaders } from './headers.ts';
import { MemoryView } from './memory-view.ts';
import { readNotes } from './notes.ts';
import { hasOwnNotes, readState } from './read-state.ts';
import { standardNotes } from './standard-notes.ts';

/** Throws FormatError, and UNSUPPORTED for cores of other machines. */
export async function loadCore(source: Source, progress: OnProgress, verify: boolean): Promise<ProgramImage> {
  const headers = await readCoreHeaders(source);
  const notes = await readNotes(headers, source);
  const standard = standardNotes(notes, headers.find(({ type }) => type === PT.NOTE)?.offset ?? 0);
  if (!hasOwnNotes(notes)) {
    const foreign = await foreignState(standard, headers, source);
    return imageOf(foreign.state, 'core file', foreign.headers, source);
  }
  const digest = digestNote(notes, source);
  // What is not a plain file was read whole on its way here, so that this costs little more.
  if (verify || source.file === undefined) await checkDigest(digest, source, progress);
  const state = await readState(notes, standard, new MemoryView(headers, source));
  return imageOf(state, 'checkpoint', headers, source);
}

function imageOf(
  state: ProcessState,
  variant: string,
  headers: readonly CoreHeader[],
  source: Source,
): ProgramImage {
  const special = new Set(
    state.mappings.filter(({ backing }) => backing.kind === 'vdso').map(({ start }) => start),
  );
  const segments = headers.filter(
    ({ type, filesz, vaddr }) => type === PT.LOAD && filesz > 0 && !special.has(vaddr),
  );
  return processImage(
    variant,
    { state, objects: objectsOf(headers, source) },
    segments.map((header): Segment => segmentOf(header, source)),
  );
}

function segmentOf(header: CoreHeader, source: Source): Segment {
  const { flags, filesz, memsz, vaddr, offset, index } = header;
  if (BigInt(filesz) > memsz)
    throw headerError(header, 'has more bytes in the file than in memory', 'p_filesz', filesz);
  return {
    name: `PT_LOAD ${index}`,
    address: vaddr,
    size: BigInt(filesz),
    content: { source, offset, size: filesz },
    protection: { read: (flags & PF.R) !== 0, write: (flags & PF.W) !== 0, execute: (flags & PF.X) !== 0 },
  };
}

const MAX_OBJECTS = 1 << 20;

function objectsOf(headers: readonly CoreHeader[], source: Source): ObjectExtent[][] {
  const objects: ObjectExtent[][] = [];
  for (const header of headers) {
    if (header.type !== PT.OBJECT) continue;
    if (header.paddr >= BigInt(MAX_OBJECTS))
      throw headerError(header, 'belongs to an impossible object', 'p_paddr', header.paddr);
    const number = Number(header.paddr);
    while (objects.length <= number) objects.push([]);
    objects[number]?.push({
      at: header.vaddr,
      content: { source, offset: header.offset, size: header.filesz },
    });
  }
  return objects;
}
