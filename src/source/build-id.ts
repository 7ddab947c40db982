/** The build id of an ELF file: NT_GNU_BUILD_ID in a PT_NOTE (System V gABI, "Note Section"; ld --build-id). */
import { closeSync, openSync, readSync } from 'node:fs';

const ELF64 = {
  ehdrSize: 64,
  e_phoff: 32,
  e_phentsize: 54,
  e_phnum: 56,
  phdrSize: 56,
  p_offset: 8,
  p_filesz: 32,
};
const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;
const MAX_NOTES = 65536;
const MAX_ID = 64;
const MAX_HEADERS = 256;

/** Reads at most `length` bytes from a file offset: less at its end. */
export type ReadSome = (offset: number, length: number) => Uint8Array;

/** Undefined where the file is no 64-bit little-endian ELF file, has none, or what it says of it lies outside. */
export function buildIdOf(read: ReadSome): Uint8Array | undefined {
  const header = Buffer.from(read(0, ELF64.ehdrSize));
  if (
    header.length < ELF64.ehdrSize ||
    header.readUInt32BE(0) !== 0x7f454c46 ||
    header.readUInt16BE(4) !== 0x0201
  )
    return undefined;
  const count = header.readUInt16LE(ELF64.e_phnum);
  const start = header.readBigUInt64LE(ELF64.e_phoff);
  if (count > MAX_HEADERS || header.readUInt16LE(ELF64.e_phentsize) !== ELF64.phdrSize) return undefined;
  if (start > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const headers = Buffer.from(read(Number(start), count * ELF64.phdrSize));
  for (let at = 0; at + ELF64.phdrSize <= headers.length; at += ELF64.phdrSize) {
    if (headers.readUInt32LE(at) !== PT_NOTE) continue;
    const offset = headers.readBigUInt64LE(at + ELF64.p_offset);
    const size = headers.readBigUInt64LE(at + ELF64.p_filesz);
    if (offset > BigInt(Number.MAX_SAFE_INTEGER) || size > BigInt(MAX_NOTES)) continue;
    const id = inNotes(Buffer.from(read(Number(offset), Number(size))));
    if (id !== undefined) return id;
  }
  return undefined;
}

function inNotes(notes: Buffer): Uint8Array | undefined {
  for (let at = 0; at + 12 <= notes.length; ) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => notes.readUInt32LE(at + field));
    if (nameSize === undefined || size === undefined) return undefined;
    const name = at + 12;
    const content = name + aligned(nameSize);
    if (type === NT_GNU_BUILD_ID && notes.subarray(name, name + 4).toString('latin1') === 'GNU\0') {
      if (size === 0 || size > MAX_ID || content + size > notes.length) return undefined;
      return Uint8Array.from(notes.subarray(content, content + size));
    }
    at = content + aligned(size);
  }
  return undefined;
}

/** The same of a file by its path; undefined also where it cannot be read. */
export function buildIdAt(path: Buffer): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return buildIdOf((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
    });
  } finally {
    closeSync(fd);
  }
}

const aligned = (size: number): number => Math.ceil(size / 4) * 4;
