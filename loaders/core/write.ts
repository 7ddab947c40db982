/**
 * A process that stands still → a checkpoint. It is written in two steps: `writeCore` takes all from the process as
 * fast as it can; what the process need not wait for, `finishCore` does afterwards. Until then the file does not look whole.
 */
import { createHash } from 'node:crypto';
import { read, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { OnProgress, ProcessState } from 'run-foreign/loader';
import { DIGEST, DIGEST_NOTE_SIZE, note, OWNER, PAGE_SIZE } from './elf-core.ts';
import {
  dataOffset,
  fileHeaders,
  layOutPieces,
  type MemoryRun,
  type ObjectContent,
  type Piece,
} from './write-layout.ts';
import { stateNotes } from './write-notes.ts';

/** What is to be written: src/checkpoint/ has it. */
export interface CoreInput {
  readonly state: ProcessState;
  readonly runs: readonly MemoryRun[];
  readonly objects: readonly (ObjectContent & { readonly read: (at: bigint, into: Buffer) => void })[];
  /** Fills all of `into` from the process's memory. */
  read(address: bigint, into: Uint8Array): void;
}

/** A file that has memory and nothing else yet: its beginning is empty. */
export interface UnfinishedCore {
  readonly fd: number;
  /** Bytes so far. */
  readonly size: number;
  readonly state: ProcessState;
  readonly pieces: readonly Piece[];
  /** The command line. */
  readonly args: Uint8Array;
}

const CHUNK = 1 << 20;
const MAX_ARGS = 4096;

/** Writes memory and objects to `fd`, an empty file that can be read, too. Synchronous: the process waits for it. */
export function writeCore(fd: number, input: CoreInput, progress: OnProgress): UnfinishedCore {
  const { state, objects } = input;
  const pieces = layOutPieces(state, input.runs, objects);
  const total = pieces.reduce((sum, { filesz }) => sum + Number(filesz), 0);
  const start = dataOffset(pieces);
  const out = new ChunkWriter(fd, start, (done) => progress('taking', done, total));
  const vdso = state.vdso?.image ?? new Uint8Array(0);
  for (const { from, vaddr, filesz } of pieces) {
    if (from === 'nothing') continue;
    if (from === 'vdso') out.bytes(vdso.subarray(0, Number(filesz)));
    else if (from === 'memory') out.fill(filesz, (done, into) => input.read(vaddr + done, into));
    else {
      const object = objects[from.object];
      out.fill(filesz, (done, into) => object?.read(vaddr + done, into));
    }
    out.align();
  }
  out.flush();
  return { fd, size: out.size, state, pieces, args: argsOf(input) };
}

function argsOf({ state: { mm }, read: readMemory }: CoreInput): Buffer {
  const bytes = Buffer.alloc(Math.min(MAX_ARGS, Number(mm.arg_end - mm.arg_start)));
  try {
    readMemory(mm.arg_start, bytes);
  } catch {
    // The fields need not point anywhere.
  }
  return bytes;
}

/** Collects small pieces, so that they cost no system call each. */
class ChunkWriter {
  readonly #fd: number;
  readonly #told: (done: number) => void;
  readonly #chunk = Buffer.alloc(CHUNK);
  readonly #start: number;
  #used = 0;
  #written = 0;

  constructor(fd: number, start: number, told: (done: number) => void) {
    this.#fd = fd;
    this.#start = start;
    this.#told = told;
  }

  get size(): number {
    return this.#start + this.#written + this.#used;
  }

  bytes(bytes: Uint8Array): void {
    this.fill(
      BigInt(bytes.length),
      (done, into) => void into.set(bytes.subarray(Number(done), Number(done) + into.length)),
    );
  }

  fill(size: bigint, read: (done: bigint, into: Buffer) => void): void {
    for (let done = 0n; done < size; ) {
      const room = BigInt(CHUNK - this.#used);
      const length = Number(size - done < room ? size - done : room);
      read(done, this.#chunk.subarray(this.#used, this.#used + length));
      this.#used += length;
      done += BigInt(length);
      if (this.#used === CHUNK) this.flush();
    }
  }

  /** Zeros up to the next page. */
  align(): void {
    const length = (PAGE_SIZE - (this.size % PAGE_SIZE)) % PAGE_SIZE;
    this.bytes(new Uint8Array(length));
  }

  flush(): void {
    writeAll(this.#fd, this.#chunk.subarray(0, this.#used), this.#start + this.#written);
    this.#written += this.#used;
    this.#used = 0;
    this.#told(this.#written);
  }
}

const readFd = promisify(read);

/** Adds what the process need not wait for: notes, headers, and the note with the SHA-256 of all that is before it. Returns the file's size. */
export async function finishCore(
  { fd, size, state, pieces, args }: UnfinishedCore,
  progress: OnProgress,
): Promise<number> {
  const notes = stateNotes(state, args);
  const end = size + notes.length;
  writeAll(fd, notes, size);
  writeAll(fd, fileHeaders(pieces, { offset: size, size: notes.length }, DIGEST_NOTE_SIZE), 0);
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(Math.min(CHUNK, end));
  for (let at = 0; at < end; ) {
    const { bytesRead } = await readFd(fd, chunk, 0, Math.min(CHUNK, end - at), at);
    if (bytesRead === 0) throw new Error('the checkpoint became shorter while it was written');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
    progress('checking', at, end);
  }
  writeAll(fd, note(OWNER, DIGEST.type, hash.digest()), end);
  return end + DIGEST_NOTE_SIZE;
}

function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  }
}
