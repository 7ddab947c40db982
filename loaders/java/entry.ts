/** What an entry of a ZIP archive holds. In a file of its own because only archives need node:zlib. */
import { crc32, inflateRawSync } from 'node:zlib';
import { FormatError, type Source, Structure } from 'run-foreign/loader';
import type { Entry } from './zip.ts';

const LOCAL = { signature: 0x04034b50, size: 30 } as const;
const METHOD = { stored: 0, deflated: 8 } as const;
const FLAG_ENCRYPTED = 1;

/** What an entry holds, at most `maxSize` bytes of it. Throws FormatError. */
export async function readEntry(source: Source, entry: Entry, maxSize: number): Promise<Uint8Array> {
  const { header, name, shift } = entry;
  const [flags, method, crc] = [header.u16(8), header.u16(10), header.u32(16)];
  const [packedSize, size, offset] = [header.u32(20), header.u32(24), header.u32(42)];
  if ((flags & FLAG_ENCRYPTED) !== 0) throw header.error(`has an encrypted ${name}`, 8, 'flags', flags);
  if (method !== METHOD.stored && method !== METHOD.deflated)
    throw header.error(`has ${name} packed by another method than deflate`, 10, 'compression method', method);
  if (packedSize > maxSize) throw header.error(`has too large a ${name}`, 20, 'compressed size', packedSize);
  if (size > maxSize) throw header.error(`has too large a ${name}`, 24, 'uncompressed size', size);
  const local = await Structure.read(source, shift + offset, LOCAL.size, `header of ${name}`);
  if (local.u32(0) !== LOCAL.signature)
    throw local.error(`has no ${name} where its directory says`, 0, 'signature', local.u32(0));
  const data = local.offset + LOCAL.size + local.u16(26) + local.u16(28);
  const packed = (await Structure.read(source, data, packedSize, name)).bytes;
  const bytes = method === METHOD.stored ? packed : inflate(packed, size, name, data);
  if (bytes.length !== size || crc32(bytes) !== crc)
    throw header.error(`has a damaged ${name}`, 16, 'crc-32', crc);
  return bytes;
}

function inflate(packed: Uint8Array, size: number, name: string, offset: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    const value = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new FormatError(`has a damaged ${name}`, { offset, field: 'deflate', value }, { cause });
  }
}
