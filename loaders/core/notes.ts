/** The notes of a core file: System V gABI, "Note Section". */
import { FormatError, type Source, Structure } from 'run-foreign/loader';
import { PT, padded } from './elf-core.ts';
import { type CoreHeader, headerError } from './headers.ts';

export interface Note {
  readonly owner: string;
  readonly type: number;
  /** File offset of the content. */
  readonly offset: number;
  readonly content: Uint8Array;
}

/** A process with a hundred thousand threads has that many. */
const MAX_SIZE = 2 ** 30;

export async function readNotes(headers: readonly CoreHeader[], source: Source): Promise<readonly Note[]> {
  const notes: Note[] = [];
  for (const header of headers) {
    if (header.type !== PT.NOTE) continue;
    if (header.filesz > MAX_SIZE)
      throw headerError(header, 'has notes of impossible size', 'p_filesz', header.filesz);
    for (const note of parseNotes(await Structure.read(source, header.offset, header.filesz, 'notes')))
      notes.push(note);
  }
  return notes;
}

function parseNotes(bytes: Structure): Note[] {
  const notes: Note[] = [];
  const { length } = bytes.bytes;
  for (let at = 0; at < length; ) {
    if (at + 12 > length) throw bytes.error('ends within a note', at, 'note', length - at);
    const [nameSize, size, type] = [bytes.u32(at), bytes.u32(at + 4), bytes.u32(at + 8)];
    const name = at + 12;
    if (name + padded(nameSize) > length)
      throw bytes.error('has a note that is cut off', at, 'n_namesz', nameSize);
    const content = name + padded(nameSize);
    if (content + size > length) throw bytes.error('has a note that is cut off', at + 4, 'n_descsz', size);
    notes.push({
      owner: Buffer.from(bytes.bytes.subarray(name, name + nameSize))
        .toString('latin1')
        .replace(/\0.*$/s, ''),
      type,
      offset: bytes.offset + content,
      content: bytes.bytes.subarray(content, content + size),
    });
    at = content + padded(size);
  }
  return notes;
}

/** An error about a note's content as a whole. */
export function noteError(
  note: Note,
  message: string,
  field: string,
  value: bigint | number | string,
): FormatError {
  return new FormatError(message, { offset: note.offset, field, value });
}
