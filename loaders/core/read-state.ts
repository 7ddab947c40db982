/** Our own notes, put together with those that all cores have. */
import { FormatError, type ProcessState, type VdsoState } from 'run-foreign/loader';
import { OWNER } from './elf-core.ts';
import { type Note, noteError } from './notes.ts';
import { type Schema, SchemaError } from './schema.ts';
import type { StandardNotes } from './standard-notes.ts';
import { NOTES, NOTES_VERSION } from './state-schema.ts';

/** Whether a core file is a checkpoint, of this version or another. */
export const hasOwnNotes = (notes: readonly Note[]): boolean => notes.some(({ owner }) => owner === OWNER);

/** Throws FormatError with the note's file offset, the field's path and its value. */
export function readState(
  notes: readonly Note[],
  standard: StandardNotes,
  vdsoImage: (address: bigint) => Uint8Array | undefined,
): ProcessState {
  const part = <T>(name: string, note: { readonly type: number; readonly schema: Schema<T> }): T =>
    readNote(notes, name, note.type, note.schema);
  const { threads: own } = part('threads', NOTES.threads);
  const { vdso, ...memory } = part('memory', NOTES.memory);
  if (own.length !== standard.threads.length) {
    throw errorIn(
      notes,
      NOTES.threads.type,
      'has another number of threads than NT_PRSTATUS notes',
      own.length,
    );
  }
  const threads = own.map((thread, index) => {
    const core = standard.threads[index];
    if (core === undefined || core.tid !== thread.tid) {
      throw errorIn(
        notes,
        NOTES.threads.type,
        `has another thread than NT_PRSTATUS number ${index}`,
        thread.tid,
      );
    }
    const { registers, fpregs, xstate } = core;
    return { ...thread, registers, fpregs, xstate };
  });
  return {
    ...part('process', NOTES.process),
    ...memory,
    ...part('signals', NOTES.signals),
    ...part('rights', NOTES.rights),
    ...part('descriptors', NOTES.descriptors),
    threads,
    auxv: standard.auxv,
    vdso: vdso && withImage(vdso, vdsoImage),
  };
}

function withImage(
  vdso: Omit<VdsoState, 'image'>,
  find: (address: bigint) => Uint8Array | undefined,
): VdsoState | undefined {
  const image = find(vdso.address);
  return image && { ...vdso, image };
}

function readNote<T>(notes: readonly Note[], name: string, type: number, schema: Schema<T>): T {
  const note = ownNote(notes, type);
  const label = `${OWNER} note 0x${type.toString(16)} (${name})`;
  if (note === undefined) throw missing(notes, label);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(note.content));
  } catch {
    throw noteError(note, `has a note (${name}) that is no JSON`, label, note.content.length);
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== NOTES_VERSION) {
    throw noteError(
      note,
      `was written by another version of run-foreign`,
      `${label}: version`,
      shown(version),
    );
  }
  try {
    return schema.fromJson(json, '');
  } catch (cause) {
    if (!(cause instanceof SchemaError)) throw cause;
    throw noteError(
      note,
      `has a note (${name}) in which ${cause.path} ${cause.message}`,
      `${label}: ${cause.path}`,
      shown(cause.found),
    );
  }
}

const ownNote = (notes: readonly Note[], type: number) =>
  notes.find((note) => note.owner === OWNER && note.type === type);

function missing(notes: readonly Note[], label: string): FormatError {
  return new FormatError('lacks a note', { offset: notes[0]?.offset ?? 0, field: label, value: 'missing' });
}

function errorIn(notes: readonly Note[], type: number, message: string, value: number): FormatError {
  return new FormatError(message, {
    offset: ownNote(notes, type)?.offset ?? 0,
    field: `${OWNER} note 0x${type.toString(16)}`,
    value,
  });
}

const MAX_SHOWN = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
