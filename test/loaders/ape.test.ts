/** Actually Portable Executables: which header of the script counts, and what each mistake in it is called. */
import { describe, expect, test } from 'vitest';
import { ape } from '../../loaders/ape/index.ts';
import { APE_MAGIC, ELF_AT, elfPart, headerOf, printed, writeApe } from '../support/ape-writer.ts';
import { EHDR, EM, ET, PF, type Phdr, PT, putField } from '../support/elf-writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { ELF64_STATIC } from '../support/handmade.ts';
import { NO_OPTIONS, resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const PART = elfPart(ELF64_STATIC);
const HEADER = headerOf(PART);

const load = async (bytes: Uint8Array, format?: string) =>
  (await resolveSource(fileLike(bytes, 3), {}, format === undefined ? {} : { format })).image;
const probe = (bytes: Uint8Array) => ape.probe(fileLike(bytes, 3), NO_OPTIONS);

/** The header with one field changed. */
function changed(field: keyof typeof EHDR, value: number | bigint): Buffer {
  const header = Buffer.from(HEADER);
  putField(header, 64, 0, EHDR[field], BigInt(value));
  return header;
}

/** File offset of a header's byte in a file whose script begins with `printed` of it, four characters a byte. */
const place = (byte: number, before = '') => APE_MAGIC.length + before.length + "printf '".length + 4 * byte;

describe('what is taken', () => {
  test.each(["MZqFpD='\n'\n", "jartsr='\n'\n"])('%j begins one', async (magic) => {
    const file = writeApe(printed(HEADER), PART, magic);
    expect(await probe(file)).toBe('exact');
    expect(await load(file)).toMatchObject({
      format: 'ape',
      variant: 'static',
      arch: 'x86_64',
      entry: 0x401010n,
    });
  });

  test('the magic for trying the shell path is left to the shell, and loaded for who asks for it', async () => {
    const file = writeApe(printed(HEADER), PART, "APEDBG='\n'\n");
    expect(await probe(file)).toBeNull();
    expect((await foreignError(() => load(file))).code).toBe('UNKNOWN_FORMAT');
    expect((await load(file, 'ape')).entry).toBe(0x401010n);
  });

  test.each(['', 'M', "MZqFpD='".slice(0, 7), 'MZ\x90\0\x03\0\0\0', "mzqfpd='"])(
    '%j begins none',
    async (text) => {
      expect(await probe(Buffer.from(text, 'latin1'))).toBeNull();
    },
  );

  test('another file that is called one with --format is told from one', async () => {
    const error = await formatError(() => load(Buffer.from('\x7fELF0123456789'), 'ape'));
    expect(error.location).toEqual({ offset: 0, field: 'magic', value: '0x7f454c4630313233' });
  });
});

describe('what is loaded', () => {
  test('segments come from the file as it stands, counted from its beginning', async () => {
    const { segments, phdr, stack, brk } = await load(writeApe(printed(HEADER), PART));
    expect(segments.map(({ address, content }) => [address, content?.offset])).toEqual([
      [0x400000n, ELF_AT],
      [0x401000n, ELF_AT + 0x1000],
      [0x403000n, ELF_AT + 0x1000],
      [0x405000n, undefined],
    ]);
    // As for the kernel after --assimilate: the table lies in the first segment, 64 bytes into the ELF part.
    expect(phdr).toEqual({ address: 0x400040n, entrySize: 56, count: ELF64_STATIC.phdrs.length });
    expect(stack).toEqual({ layout: 'sysv', execution: 'none' });
    expect(brk).toEqual({ start: 0x406600n, end: 0x406600n, randomize: true });
  });

  test('a program whose place is free is moved', async () => {
    const part = elfPart({ ...ELF64_STATIC, e_type: ET.DYN });
    const image = await load(writeApe(printed(headerOf(part)), part));
    expect(image).toMatchObject({ variant: 'static PIE', placement: { kind: 'mmap' } });
  });
});

describe('which header', () => {
  const aarch64 = printed(changed('e_machine', 183));

  test.each([
    ['before', `${aarch64}${printed(HEADER)}`],
    ['behind', `${printed(HEADER)}${aarch64}`],
  ])('that of another machine may come %s ours', async (_, script) => {
    expect((await load(writeApe(script, PART))).entry).toBe(0x401010n);
  });

  test('the first of two for this machine', async () => {
    const script = printed(HEADER) + printed(changed('e_entry', 0x401020));
    expect((await load(writeApe(script, PART))).entry).toBe(0x401010n);
  });

  test('what else the script prints is nobody’s business', async () => {
    const script = `printf 'hello\\n'; printf ''; printf "x"; printf '%s' "$0"\n${printed(HEADER)}printf 'open`;
    expect((await load(writeApe(script, PART))).entry).toBe(0x401010n);
  });

  test.each([
    [183, 'aarch64'],
    [EM['386'], 'e_machine 3'],
    [243, 'riscv'],
  ])('one for machine %i only is said to be for %s', async (machine, name) => {
    const error = await foreignError(() => load(writeApe(printed(changed('e_machine', machine)), PART)));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toBe(`holds a program for ${name}, and none for x86-64`);
  });

  test('several are all named', async () => {
    const script = aarch64 + printed(changed('e_machine', 21));
    expect((await foreignError(() => load(writeApe(script, PART)))).message).toContain('aarch64 and ppc64');
  });
});

describe('how it is spelled', () => {
  const load64 = async (string: string) => (await load(writeApe(`printf '${string}' >&7\n`, PART))).entry;
  /** As short as it may be, with what can be printed as it is: how cosmopolitan spells it. */
  const short = Array.from(HEADER, (byte, index) => {
    const isDigit = (each = 0) => each >= 0x30 && each <= 0x37;
    if (byte > 0x20 && byte < 0x7f && byte !== 0x5c && byte !== 0x27 && !isDigit(byte))
      return String.fromCharCode(byte);
    return isDigit(HEADER[index + 1]) ? `\\${byte.toString(8).padStart(3, '0')}` : `\\${byte.toString(8)}`;
  }).join('');

  test('with escapes of one to three digits, and letters', async () => {
    expect(short).toMatch(/^\\177ELF\\2\\1\\1\\0/);
    expect(await load64(short)).toBe(0x401010n);
  });

  test('with escapes above \\377, of which eight bits count', async () => {
    const string = printed(HEADER).slice("printf '".length, -"' >&7\n".length);
    const more = string.replace('\\100\\020\\000', '\\500\\420\\400');
    expect(more).not.toBe(string);
    expect(await load64(more)).toBe(0x401010n);
  });

  test('with more behind the header', async () => {
    expect(await load64(`${short}\\0\\0and more`)).toBe(0x401010n);
  });

  test('a backslash before anything else is named, with where it stands', async () => {
    const script = printed(HEADER).replace('\\002\\000\\076', '\\n\\000\\076');
    const error = await formatError(() => load(writeApe(script, PART)));
    expect(error.location).toEqual({ offset: place(16), field: 'printf', value: 'byte 16' });
  });

  test('a header that is too short', async () => {
    const error = await formatError(() => load(writeApe(printed(HEADER.subarray(0, 63)), PART)));
    expect(error.location).toEqual({ offset: place(0), field: 'printf', value: '63 bytes' });
    expect(error.message).toContain('less than 64 bytes');
  });

  test('a header that does not end before the 8192nd byte', async () => {
    const script = (spaces: number) => {
      const file = Buffer.alloc(0x4000, 0x20);
      file.set(Buffer.from(APE_MAGIC, 'latin1'));
      file.write(printed(HEADER).trimEnd(), spaces, 'latin1');
      return file;
    };
    const quote = printed(HEADER).lastIndexOf("'");
    const last = 8191 - quote;
    // The last byte that is looked at is the quote; the header is read, and so is its table, of spaces.
    expect((await formatError(() => load(script(last)))).location.field).not.toBe('printf');
    const error = await formatError(() => load(script(last + 1)));
    expect(error.location).toEqual({ offset: last + 1 + 8, field: 'printf', value: '64 bytes' });
    expect(error.message).toContain('does not end in the first 8192 bytes');
    const beyond = await formatError(() => load(script(8192)));
    expect(beyond.location).toEqual({ offset: 0, field: "printf '\\177ELF", value: 'none' });
  });

  test('no header at all', async () => {
    const error = await formatError(() => load(writeApe("printf 'hello'\nexit\n", PART)));
    expect(error.location).toEqual({ offset: 0, field: "printf '\\177ELF", value: 'none' });
  });

  test('a file cut off anywhere in its script', async () => {
    const whole = writeApe(printed(HEADER), PART);
    const quote = whole.lastIndexOf("' >&7");
    for (let length = 8; length <= quote; length++) {
      const error = await formatError(() => load(whole.subarray(0, length)));
      expect(['printf', "printf '\\177ELF"]).toContain(error.location.field);
    }
  });
});

describe('what is wrong in the header is said at the place where the script spells it', () => {
  test.each([
    ['EI_CLASS', 4, 1],
    ['e_type', 16, ET.REL],
    ['e_phentsize', 54, 57],
    ['e_phnum', 56, 0],
    ['e_phoff', 32, 1n << 60n],
  ] as const)('%s', async (field, byte, value) => {
    const before = 'echo a line before\n';
    const error = await formatError(() => load(writeApe(before + printed(changed(field, value)), PART)));
    expect(error.location).toEqual({ offset: place(byte, before), field, value });
  });

  test('a table of program headers past the end of the file', async () => {
    const error = await formatError(() => load(writeApe(printed(changed('e_phoff', 0x10_0000)), PART)));
    expect(error.location).toMatchObject({ offset: 0x10_0000, field: 'program headers' });
  });
});

describe('what is wrong in the program headers is said at their place in the file', () => {
  const broken = async (change: Partial<Phdr>) => {
    const [first, ...rest] = ELF64_STATIC.phdrs;
    const part = elfPart({ ...ELF64_STATIC, phdrs: [{ ...first, ...change } as Phdr, ...rest] });
    return formatError(() => load(writeApe(printed(headerOf(part)), part)));
  };
  const table = ELF_AT + 64;

  test.each([
    ['p_filesz', { p_filesz: 0x300n }, 32],
    ['p_offset', { p_offset: 8n }, 8],
    ['p_vaddr', { p_vaddr: 1n << 63n }, 16],
  ])('%s', async (field, change, at) => {
    const { location } = await broken(change);
    expect(location).toMatchObject({ offset: table + at, field: `${field} of program header 0` });
  });

  test.each([
    ['PT_INTERP', PT.INTERP],
    ['PT_DYNAMIC', PT.DYNAMIC],
  ])('%s: such files are static', async (name, p_type) => {
    const { location, message } = await broken({ p_type, p_flags: PF.R, p_filesz: 0n, p_memsz: 0n });
    expect(message).toContain(`has a ${name}`);
    expect(location).toEqual({ offset: table, field: 'p_type of program header 0', value: p_type });
  });

  test('no segments', async () => {
    const part = elfPart({ bits: 64, phdrs: [{ p_type: PT.NOTE }] });
    const { location } = await formatError(() => load(writeApe(printed(headerOf(part)), part)));
    expect(location).toEqual({ offset: table, field: 'p_type', value: 'no PT_LOAD' });
  });
});

test('the magics it declares are those its probe accepts', async () => {
  expect(ape.magics).toHaveLength(2);
  for (const { bytes } of ape.magics) expect(await probe(bytes)).toBe('exact');
});
