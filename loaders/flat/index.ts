/**
 * Flat images: bytes and nothing else, as `objcopy -O binary` leaves them. Nothing in the file says what it is, so
 * the user does, with options; without one of them, or `--format flat`, no file is taken for one.
 */
import {
  defineLoader,
  ForeignError,
  FormatError,
  hex,
  type OptionValues,
  type ProgramImage,
  type Segment,
  type Source,
} from 'run-foreign/loader';
import { pageEnd } from '../pages.ts';

/** Above every vm.mmap_min_addr, and below where anything else goes. */
const DEFAULT_BASE = 0x10_0000n;
/** No address is larger, so no size may be. */
const ADDRESS_LIMIT = 1n << 64n;

const OPTIONS = {
  base: { type: 'integer', help: 'the address of the first byte, 0x100000 unless given' },
  entry: { type: 'integer', help: 'the address of the first instruction, the base unless given' },
  arch: { type: ['x86_64', 'i386'], help: 'the machine, x86_64 unless given' },
  skip: { type: 'integer', help: 'how many bytes of the file, a header, come before the image' },
  bss: { type: 'integer', help: 'how many bytes of zeros follow the image' },
  protection: { type: ['rwx', 'rx'], help: 'what may be done with the image, rwx unless given' },
  stack: {
    type: ['sysv', 'aout'],
    help: 'the first stack: argc, argv, envp and auxv (sysv, unless given), or as in Linux a.out',
  },
} as const;

type Options = OptionValues<typeof OPTIONS>;

export const flat = defineLoader({
  name: 'flat',
  apiVersion: 1,
  kind: 'program',
  description: 'raw images without a header, for x86-64 and i386; only when asked for',
  magics: [],
  order: 'post',
  options: OPTIONS,
  probe(_source, { options }) {
    return Object.keys(options).length > 0 ? 'exact' : null;
  },
  load(source, { options }) {
    return { kind: 'image', image: image(source, options) };
  },
});

function image(source: Source, options: Options): ProgramImage {
  const { base = DEFAULT_BASE, entry = base, arch = 'x86_64', bss = 0n, stack = 'sysv' } = options;
  const content = contentOf(source, options);
  const filled = base + BigInt(content.size);
  const end = filled + bss;
  if (end > ADDRESS_LIMIT) {
    throw wrongUse(`base ${hex(base)} and bss ${hex(bss)} put the end of the image past any address`);
  }
  if (entry < base || entry >= filled) {
    throw wrongUse(`entry ${hex(entry)} lies outside the image, ${hex(base)} to ${hex(filled - 1n)}`);
  }
  const range = { start: base, end: filled };
  // At a page, as for ELF: or the kernel calls the bss [heap].
  const heap = pageEnd(end);
  return {
    format: 'flat',
    variant: `raw image at ${hex(base)}`,
    arch,
    placement: { kind: 'fixed' },
    segments: [segment(base, end - base, content, options)],
    entry,
    code: range,
    data: range,
    brk: { start: heap, end: heap, randomize: false },
    stack: { layout: stack, execution: 'none' },
  };
}

function contentOf(source: Source, { skip = 0n }: Options): NonNullable<Segment['content']> {
  if (source.size === 0) {
    throw new FormatError('is empty: there is nothing to run', { offset: 0, field: 'file size', value: 0 });
  }
  if (skip >= BigInt(source.size)) {
    throw wrongUse(`skip ${hex(skip)} leaves nothing of the file, which has ${hex(source.size)} bytes`);
  }
  return { source, offset: Number(skip), size: source.size - Number(skip) };
}

function segment(address: bigint, size: bigint, content: Segment['content'], options: Options): Segment {
  const write = options.protection !== 'rx';
  return {
    name: 'image',
    address,
    size,
    ...(content && { content }),
    protection: { read: true, write, execute: true },
  };
}

/** It is what the user said that does not fit this file. */
function wrongUse(message: string): ForeignError {
  return new ForeignError('USAGE', `cannot be laid out with these options (--loader-opt flat.…): ${message}`);
}
