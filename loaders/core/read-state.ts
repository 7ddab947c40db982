/** Our own notes, put together with those that all cores have. */
import { FormatError, type Mapping, type ProcessState, type VdsoState } from 'run-foreign/loader';
import { parseJson } from '../manifest/json.ts';
import { OWNER } from './elf-core.ts';
import type { MemoryView } from './memory-view.ts';
import type { Note } from './notes.ts';
import { type Schema, SchemaError } from './schema.ts';
import type { StandardNotes } from './standard-notes.ts';
import { NOTES, NOTES_VERSION, type VdsoNote } from './state-schema.ts';

/** Whether a core file is a checkpoint, of this version or another. */
export const hasOwnNotes = (notes: readonly Note[]): boolean => notes.some(({ owner }) => owner === OWNER);

/** Throws FormatError with the note's file offset, the field's path and its value. */
export async function readState(
  notes: readonly Note[],
  standard: StandardNotes,
  view: MemoryView,
): Promise<ProcessState> {
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
    vdso: vdso && (await withImage(vdso, memory.mappings, view, notes)),
  };
}

/** More than any kernel's: Linux 6.18 has two pages. */
const MAX_VDSO = 1n << 16n;

async function withImage(
  vdso: VdsoNote,
  mappings: readonly Mapping[],
  view: MemoryView,
  notes: readonly Note[],
): Promise<VdsoState> {
  const mapping = mappings.find(({ start, backing }) => start === vdso.address && backing.kind === 'vdso');
  const size = mapping === undefined ? 0n : mapping.end - mapping.start;
  const image = size > 0n && size <= MAX_VDSO ? await view.bytes(vdso.address, Number(size)) : undefined;
  if (image === undefined)
    throw errorIn(notes, NOTES.memory.type, 'has a vDSO whose bytes are not there', vdso.address);
  return { ...vdso, image: Uint8Array.from(image) };
}

function readNote<T>(notes: readonly Note[], name: string, type: number, schema: Schema<T>): T {
  const note = ownNote(notes, type);
  const label = `${OWNER} note 0x${type.toString(16)} (${name})`;
  if (note === undefined) throw missing(notes, label);
  let text = '';
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(note.content);
    json = JSON.parse(text);
  } catch {
    throw valueError(note, text, '', `has a note (${name}) that is no JSON`, label, note.content.length);
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== NOTES_VERSION) {
    const message = 'was written by another version of run-foreign';
    throw valueError(note, text, 'version', message, `${label}: version`, shown(version));
  }
  try {
    return schema.fromJson(json, '');
  } catch (cause) {
    if (!(cause instanceof SchemaError)) throw cause;
    const message = `has a note (${name}) in which ${cause.path} ${cause.message}`;
    throw valueError(note, text, cause.path, message, `${label}: ${cause.path}`, shown(cause.found));
  }
}

/** Larger ones are not looked through for the place of what is wrong. */
const MAX_SEARCHED = 1 << 24;

/** An error about a value in a note's JSON, at the value's file offset. `path` is as SchemaError has it. */
function valueError(
  note: Note,
  text: string,
  path: string,
  message: string,
  field: string,
  value: string | number,
): FormatError {
  return new FormatError(message, { offset: placeOf(note, text, path), field, value });
}

/** What is no JSON stands where it is none. */
function placeOf({ offset, content }: Note, text: string, path: string): number {
  if (content.length > MAX_SEARCHED || text === '') return offset;
  const pointer = path === '' ? '' : `/${path.replaceAll(/\[(\d+)\]/g, '.$1').replaceAll('.', '/')}`;
  try {
    return parseJson(text, offset).error('', pointer, null).location.offset;
  } catch (cause) {
    return cause instanceof FormatError ? cause.location.offset : offset;
  }
}

const ownNote = (notes: readonly Note[], type: number) =>
  notes.find((note) => note.owner === OWNER && note.type === type);

function missing(notes: readonly Note[], label: string): FormatError {
  return new FormatError('lacks a note', { offset: notes[0]?.offset ?? 0, field: label, value: 'missing' });
}

function errorIn(notes: readonly Note[], type: number, message: string, value: bigint | number): FormatError {
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
