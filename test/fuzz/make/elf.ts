/**
 * ELF files changed where it matters: fields of the header and of program headers, the table itself, and
 * the interpreter's name. Nothing here asks whether the result is any good.
 */
import { EHDR, EHSIZE, PHDR, PHENTSIZE, PT, putField } from '../../support/elf-writer.ts';
import type { Random } from '../../support/random.ts';
import { nearby, oddValue } from './odd.ts';

export const P_TYPES = {
  ...PT,
  PHDR: 6,
  TLS: 7,
  GNU_EH_FRAME: 0x6474e550,
  GNU_RELRO: 0x6474e552,
  GNU_PROPERTY: 0x6474e553,
} as const;
const TYPE_NUMBERS: readonly number[] = Object.values(P_TYPES);
/** The kernel reads no table of more than 64 KiB. */
const MANY_HEADERS = { 64: 1170, 32: 2048 } as const;

type Bits = 32 | 64;
type PhdrField = keyof typeof PHDR;

/** A file whose program headers are taken out, so that there can be more or fewer of them. */
export interface ElfParts {
  readonly bits: Bits;
  bytes: Buffer;
  readonly headers: Buffer[];
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 64 && bytes[0] === 0x7f && bytes[1] === 0x45;
}

function getField(
  bytes: Buffer,
  bits: Bits,
  field: (typeof PHDR)[PhdrField] | (typeof EHDR)[keyof typeof EHDR],
): bigint {
  const [offset, size] = field[bits];
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[offset + index] ?? 0);
  return value;
}

/** By the machine, as the loader does; a broken one is as good as any. */
export function takeApart(bytes: Buffer): ElfParts {
  const bits: Bits = bytes[18] === 3 ? 32 : 64;
  const count = Number(getField(bytes, bits, EHDR.e_phnum));
  const offset = Number(getField(bytes, bits, EHDR.e_phoff));
  const size = PHENTSIZE[bits];
  const headers: Buffer[] = [];
  for (let at = offset; headers.length < Math.min(count, 64) && at + size <= bytes.length; at += size)
    headers.push(Buffer.from(bytes.subarray(at, at + size)));
  return { bits, bytes, headers };
}

/** With the table where it was if it fits there, else at the end of the file. */
export function putTogether({ bits, bytes, headers }: ElfParts): Buffer {
  const count = Number(getField(bytes, bits, EHDR.e_phnum));
  const table = Buffer.concat(headers);
  const at = Number(getField(bytes, bits, EHDR.e_phoff));
  if (headers.length <= count && at >= EHSIZE[bits] && at + table.length <= bytes.length) {
    table.copy(bytes, at);
    putField(bytes, bits, 0, EHDR.e_phnum, BigInt(headers.length));
    return bytes;
  }
  const moved = Buffer.concat([bytes, table]);
  putField(moved, bits, 0, EHDR.e_phoff, BigInt(bytes.length));
  putField(moved, bits, 0, EHDR.e_phnum, BigInt(headers.length));
  return moved;
}

type Change = (parts: ElfParts, random: Random) => void;

const put = (parts: ElfParts, header: Buffer, field: PhdrField, value: bigint) =>
  putField(header, parts.bits, 0, PHDR[field], value);
const get = (parts: ElfParts, header: Buffer, field: PhdrField) => getField(header, parts.bits, PHDR[field]);

const fileHeader: Change = ({ bytes, bits }, random) =>
  putField(bytes, bits, 0, random.pick(Object.values(EHDR)), oddValue(random));

const anyField: Change = (parts, random) => {
  const header = random.pick(parts.headers);
  const field = random.pick(Object.keys(PHDR) as PhdrField[]);
  put(
    parts,
    header,
    field,
    random.chance(1, 2) ? oddValue(random) : nearby(get(parts, header, field), random),
  );
};

const type: Change = (parts, random) =>
  put(parts, random.pick(parts.headers), 'p_type', BigInt(random.pick(TYPE_NUMBERS)));

const flags: Change = (parts, random) =>
  put(parts, random.pick(parts.headers), 'p_flags', BigInt(random.below(8)));

/** To another address with the same place in its page, which is what makes a segment good. */
const shift: Change = (parts, random) => {
  const header = random.pick(parts.headers);
  const far = random.chance(1, 3) ? oddValue(random) : BigInt(random.below(64)) * 0x1000n;
  const inPage = get(parts, header, 'p_vaddr') % 0x1000n;
  const from = random.chance(1, 2) ? far : get(parts, header, 'p_vaddr') + far;
  put(parts, header, 'p_vaddr', from - (from % 0x1000n) + inPage);
};

const align: Change = (parts, random) =>
  put(
    parts,
    random.pick(parts.headers),
    'p_align',
    random.chance(3, 4) ? 1n << BigInt(random.below(50)) : oddValue(random),
  );

const sizes: Change = (parts, random) => {
  const header = random.pick(parts.headers);
  const filesz = random.chance(1, 4) ? 0n : nearby(get(parts, header, 'p_filesz'), random);
  put(parts, header, 'p_filesz', filesz);
  const more = random.pick([0n, 1n, 0xfffn, 0x1000n, 0x5000n, 0x1000_0000n]);
  put(parts, header, 'p_memsz', random.chance(1, 8) ? oddValue(random) : filesz + more);
};

const duplicate: Change = ({ headers }, random) => {
  headers.splice(random.below(headers.length + 1), 0, Buffer.from(random.pick(headers)));
};
const remove: Change = ({ headers }, random) => {
  headers.splice(random.below(headers.length), 1);
};
const swap: Change = ({ headers }, random) => {
  const [from, to] = [random.below(headers.length), random.below(headers.length)];
  const [a, b] = [headers[from], headers[to]];
  if (a === undefined || b === undefined) return;
  headers[from] = b;
  headers[to] = a;
};

/** A segment of zeros, or of the file's first page, near another one. */
const add: Change = (parts, random) => {
  const near = get(parts, random.pick(parts.headers), 'p_vaddr');
  const header = Buffer.alloc(PHENTSIZE[parts.bits]);
  const address = near - (near % 0x1000n) + BigInt(random.below(16) - 4) * 0x1000n;
  const filesz = random.chance(1, 2) ? 0n : BigInt(random.below(0x1200));
  for (const [field, value] of [
    ['p_type', 1n],
    ['p_flags', BigInt(random.below(8))],
    ['p_vaddr', address],
    ['p_filesz', filesz],
    ['p_memsz', filesz + BigInt(random.below(0x4000))],
    ['p_align', 0x1000n],
  ] as const)
    put(parts, header, field, value);
  parts.headers.splice(random.below(parts.headers.length + 1), 0, header);
};

/** All of the file up to somewhere, over what is mapped already and pages beside it. */
const cover: Change = (parts, random) => {
  const near = get(parts, random.pick(parts.headers), 'p_vaddr');
  const header = Buffer.alloc(PHENTSIZE[parts.bits]);
  const size = BigInt(random.below(parts.bytes.length + 1));
  put(parts, header, 'p_type', 1n);
  put(parts, header, 'p_flags', BigInt(random.below(8)));
  put(parts, header, 'p_vaddr', near - (near % 0x1000n) - BigInt(random.below(3)) * 0x1000n);
  put(parts, header, 'p_filesz', size);
  put(parts, header, 'p_memsz', size + BigInt(random.below(0x3000)));
  parts.headers.splice(random.below(parts.headers.length + 1), 0, header);
};

const NAMES = [
  '/handmade/ld.so\0',
  '/handmade/ld.so',
  '/handmade/ld.so\0/more\0',
  '/lib64/ld-linux-x86-64.so.2\0',
  '/lib/ld-linux.so.2\0',
  '/handmade/fixed\0',
  '/handmade/script\0',
  '/no/such/file\0',
  '\0\0',
  '\0',
  '',
  '\xff\n\x1b[2J\0',
  `${'/'.repeat(4095)}\0`,
  `${'/'.repeat(4096)}\0`,
];

/** A name at the end of the file, and a header that says where: the one there was, or a new one. */
const interpreter: Change = (parts, random) => {
  const name = Buffer.from(random.pick(NAMES), 'latin1');
  const found = parts.headers.find((header) => get(parts, header, 'p_type') === 3n);
  const header = found ?? Buffer.alloc(PHENTSIZE[parts.bits]);
  put(parts, header, 'p_type', 3n);
  put(parts, header, 'p_offset', BigInt(parts.bytes.length));
  put(parts, header, 'p_filesz', BigInt(name.length + (random.chance(1, 8) ? 1 : 0)));
  if (found === undefined) parts.headers.unshift(header);
  parts.bytes = Buffer.concat([parts.bytes, name]);
};

/** As many headers as the kernel reads, and one more: islands first, then what lies over them all. */
const many: Change = (parts, random) => {
  if (!random.chance(1, 40)) return;
  const first = get(parts, random.pick(parts.headers), 'p_vaddr');
  const count = MANY_HEADERS[parts.bits] + random.below(3) - 1 - parts.headers.length;
  const islands = random.below(count);
  const pages = BigInt(count) * 2n;
  const [load, zeros] = [Buffer.alloc(PHENTSIZE[parts.bits]), Buffer.alloc(PHENTSIZE[parts.bits])];
  for (const header of [load, zeros]) {
    put(parts, header, 'p_type', 1n);
    put(parts, header, 'p_flags', BigInt(random.below(8)));
  }
  // The same bytes in all of them, now and then.
  if (random.chance(1, 2)) put(parts, load, 'p_filesz', BigInt(Math.min(parts.bytes.length, 0x1000)));
  for (let index = 0; index < count; index++) {
    const header = Buffer.from(random.chance(1, 2) ? load : zeros);
    const island = index < islands;
    put(parts, header, 'p_vaddr', first - (first % 0x1000n) + (island ? BigInt(index) * 0x2000n : 0n));
    put(parts, header, 'p_memsz', island ? 0x1000n : pages * 0x1000n);
    parts.headers.push(header);
  }
};

const CHANGES: readonly Change[] = [
  fileHeader,
  anyField,
  anyField,
  type,
  flags,
  shift,
  shift,
  align,
  sizes,
  duplicate,
  remove,
  swap,
  add,
  cover,
  interpreter,
  many,
];

/** One to four changes. The bytes given are changed as well. */
export function mutateElf(bytes: Buffer, random: Random): Buffer {
  const parts = takeApart(bytes);
  for (let round = random.below(4); round >= 0; round--) {
    const change = parts.headers.length === 0 ? fileHeader : random.pick(CHANGES);
    change(parts, random);
  }
  return putTogether(parts);
}
