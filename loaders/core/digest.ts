/** Whether a checkpoint is whole: the note at its end, and the SHA-256 in it of all that is before. */
import { createHash } from 'node:crypto';
import { FormatError, type OnProgress, type Source } from 'run-foreign/loader';
import { DIGEST, DIGEST_NOTE_SIZE, OWNER } from './elf-core.ts';
import type { Note } from './notes.ts';

const CHUNK = 1 << 20;

/** The note that was written last. Throws FormatError where the file is a checkpoint and has none. */
export function digestNote(notes: readonly Note[], source: Source): Note {
  const note = notes.find(({ owner, type }) => owner === OWNER && type === DIGEST.type);
  if (
    note === undefined ||
    note.content.length !== DIGEST.size ||
    note.offset + DIGEST.size !== source.size
  ) {
    throw new FormatError('is no whole checkpoint: it does not end with its digest', {
      offset: Math.max(0, source.size - DIGEST_NOTE_SIZE),
      field: `${OWNER} note 0x${DIGEST.type.toString(16)}`,
      value: note === undefined ? 'missing' : note.content.length,
    });
  }
  return note;
}

/** Reads all of the file. Throws FormatError where it was changed. */
export async function checkDigest(note: Note, source: Source, progress: OnProgress): Promise<void> {
  const size = source.size - DIGEST_NOTE_SIZE;
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += CHUNK) {
    hash.update(await source.read(at, Math.min(CHUNK, size - at)));
    progress('checking', Math.min(size, at + CHUNK), size);
  }
  const found = hash.digest();
  if (found.equals(note.content)) return;
  throw new FormatError('has been changed since it was written: its SHA-256 is another', {
    offset: note.offset,
    field: `${OWNER} note 0x${DIGEST.type.toString(16)}`,
    value: found.toString('hex'),
  });
}
