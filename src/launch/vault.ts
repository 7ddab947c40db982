/**
 * The vault: a file in memory with the bytes of a program that are in no file, or must not be mapped from it. The
 * stub maps it or, what is confidential, reads it into anonymous memory, and closes it.
 */
import { ftruncateSync, writeSync } from 'node:fs';
import { closeDescriptor, memfdForData, sealFile } from '../native/libc.ts';
import type { Payload, Vault } from '../plan/plan.ts';
import type { OnProgress } from '../source/source.ts';
import { writeRefusal } from './write.ts';

/** While one is written the next is already made, where the source can do two things at once. */
const PIECE_SIZE = 4 * 2 ** 20;

/**
 * Makes and fills the vault and returns its descriptor. Nothing is in it that was not authenticated, every byte of
 * the payloads' sources has been checked, and what they held in memory is overwritten. `name` is what maps shows.
 * Throws what the sources do, and MACHINE_REFUSED.
 */
export async function createVault(vault: Vault, name: string, progress: OnProgress): Promise<number> {
  const sources = new Set(vault.payloads.map(({ source }) => source));
  for (const source of sources) await source.authenticate?.();
  // Told from the stub's own file by the part behind the colon.
  const fd = memfdForData(`${name}:image`);
  const pieces = [0, 1].map(() => new Uint8Array(new SharedArrayBuffer(PIECE_SIZE)));
  try {
    ftruncateSync(fd, vault.size);
    await fill(fd, vault, pieces, progress);
    for (const source of sources) await source.checkAll?.();
    // What is confidential is taken out again by the stub, which a seal would forbid.
    if (!vault.confidential) sealFile(fd);
    return fd;
  } catch (cause) {
    closeDescriptor(fd);
    throw writeRefusal(cause, vault.size);
  } finally {
    for (const piece of pieces) piece.fill(0);
    for (const source of sources) source.wipe?.();
  }
}

async function fill(
  fd: number,
  { payloads }: Vault,
  pieces: readonly Uint8Array[],
  progress: OnProgress,
): Promise<void> {
  const total = payloads.reduce((sum, { size }) => sum + size, 0);
  const parts = payloads.flatMap(split);
  const read = (index: number): Promise<Uint8Array> | undefined => {
    const part = parts[index];
    return part && readPart(part, pieces[index % 2]?.subarray(0, part.size) ?? new Uint8Array(part.size));
  };
  let coming = read(0);
  let done = 0;
  for (const [index, { at, size }] of parts.entries()) {
    const bytes = await coming;
    coming = read(index + 1);
    // Whoever reads first learns of an error; the one behind must not be lost without anybody listening.
    coming?.catch(() => {});
    if (bytes !== undefined) writeAt(fd, bytes, at);
    done += size;
    progress('loading', done, total);
  }
}

function split({ source, offset, size, at }: Payload): Payload[] {
  return Array.from({ length: Math.ceil(size / PIECE_SIZE) }, (_, index) => {
    const from = index * PIECE_SIZE;
    return { source, offset: offset + from, size: Math.min(PIECE_SIZE, size - from), at: at + from };
  });
}

/** Into `target` where what is read must be overwritten later, else wherever the source has it. */
async function readPart({ source, offset, size }: Payload, target: Uint8Array): Promise<Uint8Array> {
  if (!source.confidential || source.readInto === undefined) return source.read(offset, size);
  await source.readInto(offset, target);
  return target;
}

function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
