/**
 * A loader for programs in the __NAME__ format: a header, then code, then data.
 *
 *     offset  size  field
 *          0     8  magic         "__MAGIC__", filled up with zeros
 *          8     2  version       1
 *         10     2  flags         bit 0: the code may be written to
 *         12     4  code_size     bytes of code, which follows the header
 *         16     4  data_size     bytes of data, which follows the code
 *         20     4  zero_size     bytes of zeros in memory behind the data
 *         24     8  load_address  where the code goes; the data goes to the first page behind it
 *         32     8  entry         address of the first instruction
 *
 * Numbers are little-endian. The machine is x86-64, and programs use Linux's own system calls.
 */
import {
  defineLoader,
  ForeignError,
  hex,
  type ProgramImage,
  type Segment,
  type Source,
  startsWith,
  struct,
} from 'run-foreign/loader';

const MAGIC = Buffer.from('__MAGIC__'.padEnd(8, '\0'));
const VERSION = 1;
const WRITABLE_CODE = 1;
const PAGE_SIZE = 4096n;

const Header = struct('little', {
  magic: MAGIC.length,
  version: 'u16',
  flags: 'u16',
  code_size: 'u32',
  data_size: 'u32',
  zero_size: 'u32',
  load_address: 'u64',
  entry: 'u64',
});

export default defineLoader({
  name: '__NAME__',
  apiVersion: 1,
  kind: 'program',
  description: 'programs in the __NAME__ format, version 1, x86-64',
  magics: [{ offset: 0, bytes: MAGIC, name: '__NAME__' }],
  options: {
    base: { type: 'integer', help: 'where the program is loaded, instead of where its header says' },
  },

  // Every loader is asked about every file, so this reads no more than it must.
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },

  // From here on the file is ours, and whatever is wrong with it is an error.
  async load(source, { options }) {
    return { kind: 'image', image: imageOf(source, await readHeader(source), options.base) };
  },
});

type HeaderFields = Awaited<ReturnType<typeof readHeader>>;

/** Anybody may have written the file: nothing in it is used before it was looked at. Throws FormatError. */
async function readHeader(source: Source) {
  const header = await Header.read(source, 0, 'header');
  const { version, flags, code_size, data_size, load_address, entry } = header.fields;
  if (version !== VERSION) throw header.error('version', `is not of version ${VERSION}`);
  if ((flags & ~WRITABLE_CODE) !== 0) throw header.error('flags', 'has flags that nobody knows');
  if (code_size === 0) throw header.error('code_size', 'has no code');
  if (Header.size + code_size > source.size) {
    throw header.error('code_size', `ends before its code does: it has ${source.size} bytes`);
  }
  if (Header.size + code_size + data_size > source.size) {
    throw header.error('data_size', `ends before its data does: it has ${source.size} bytes`);
  }
  if (load_address % PAGE_SIZE !== 0n) {
    throw header.error('load_address', 'is to be loaded where no page begins');
  }
  if (entry < load_address || entry >= load_address + BigInt(code_size)) {
    throw header.error('entry', 'does not begin in its code');
  }
  return header.fields;
}

function imageOf(source: Source, header: HeaderFields, base = header.load_address): ProgramImage {
  if (base % PAGE_SIZE !== 0n) {
    throw new ForeignError('USAGE', `the base ${hex(base)} is not a multiple of ${hex(PAGE_SIZE)}`);
  }
  const { flags, code_size, data_size, zero_size, load_address, entry } = header;
  const code = { start: base, end: base + BigInt(code_size) };
  const data = { start: pageEnd(code.end), end: pageEnd(code.end) + BigInt(data_size) };
  const end = data.end + BigInt(zero_size);
  const segments: Segment[] = [
    {
      name: 'code',
      address: code.start,
      size: BigInt(code_size),
      content: { source, offset: Header.size, size: code_size },
      protection: { read: true, write: (flags & WRITABLE_CODE) !== 0, execute: true },
    },
  ];
  if (end > data.start) {
    segments.push({
      name: 'data',
      address: data.start,
      // More than the file has: the rest is zero.
      size: end - data.start,
      content: { source, offset: Header.size + code_size, size: data_size },
      protection: { read: true, write: true, execute: false },
    });
  }
  return {
    format: '__NAME__',
    variant: `version ${VERSION}`,
    arch: 'x86_64',
    placement: { kind: 'fixed' },
    segments,
    entry: base + (entry - load_address),
    code,
    data,
    // What sbrk(2) gives out begins behind the program.
    brk: { start: end, end, randomize: true },
    stack: { layout: 'sysv', execution: 'none' },
  };
}

const pageEnd = (address: bigint): bigint => ((address + PAGE_SIZE - 1n) / PAGE_SIZE) * PAGE_SIZE;
