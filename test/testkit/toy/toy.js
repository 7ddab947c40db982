/** A format of eight bytes of header and code behind it, and its loader, of which tests change a part. */
import { defineLoader, FormatError, head, startsWith } from 'run-foreign/loader';

const MAGIC = Buffer.from('TOY1');
const BASE = 0x400000n;
const HEADER = 8;
const EXECUTABLE = { read: true, write: false, execute: true };

/** Prints `text` and ends with `status`, x86-64. */
export function toyProgram(text = 'hello, toy\n', status = 0) {
  const bytes = Buffer.from(text);
  const code = Buffer.concat([
    // mov eax, 1 (write); mov edi, 1; lea rsi, [rip + 19]; mov edx, length; syscall
    Buffer.from([0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0x8d, 0x35, 19, 0, 0, 0]),
    Buffer.from([0xba, bytes.length, 0, 0, 0, 0x0f, 0x05]),
    // mov eax, 60 (exit); mov edi, status; syscall
    Buffer.from([0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0, 0x0f, 0x05]),
    bytes,
  ]);
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  header.writeUInt32LE(code.length, 4);
  return Buffer.concat([header, code]);
}

async function load(source) {
  const bytes = Buffer.from(await head(source, HEADER));
  if (bytes.length < HEADER || !(await startsWith(source, MAGIC)))
    throw new FormatError('is no toy program', { offset: 0, field: 'magic', value: source.size });
  const size = bytes.readUInt32LE(4);
  if (size === 0 || HEADER + size > source.size)
    throw new FormatError('has more code than file', { offset: 4, field: 'size', value: size });
  const range = { start: BASE + 8n, end: BASE + 8n + BigInt(size) };
  return {
    kind: 'image',
    image: {
      format: 'toy',
      variant: '1',
      arch: 'x86_64',
      placement: { kind: 'fixed' },
      segments: [
        {
          name: 'code',
          address: range.start,
          size: BigInt(size),
          content: { source, offset: HEADER, size },
          protection: EXECUTABLE,
        },
      ],
      entry: range.start,
      code: range,
      data: range,
      brk: { start: range.end, end: range.end, randomize: false },
      stack: { layout: 'sysv', execution: 'none' },
    },
  };
}

export const toy = defineLoader({
  name: 'toy',
  apiVersion: 1,
  kind: 'program',
  description: 'toy programs',
  magics: [{ offset: 0, bytes: MAGIC, name: 'toy' }],
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },
  load,
});
