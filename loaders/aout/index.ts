/**
 * Linux i386 a.out: the executable format of Linux before 1995, which the kernel itself has not run
 * since 5.19. What is done here is what fs/binfmt_aout.c did. a.out(5), <linux/a.out.h>.
 *
 * Everything readable was executable on the machines of that time, and programs relied on it.
 */
import { defineLoader, head, type ProgramImage, type Segment, type Source } from 'run-foreign/loader';
import { pageEnd } from '../pages.ts';
import { type AoutHeader, HEADER_SIZE, MAGICS, readHeader, recognize } from './header.ts';
import { refuseSharedLibraries } from './shared.ts';
import { symbols } from './symbols.ts';

const TEXT = { read: true, write: false, execute: true };
const DATA = { read: true, write: true, execute: true };

export const aout = defineLoader({
  name: 'aout',
  apiVersion: 1,
  kind: 'program',
  description: 'Linux i386 a.out programs, static: OMAGIC, NMAGIC, ZMAGIC and QMAGIC',
  magics: (Object.keys(MAGICS) as (keyof typeof MAGICS)[]).flatMap((name) => {
    const magic = MAGICS[name];
    return [
      { offset: 0, bytes: Uint8Array.of(magic & 0xff, magic >> 8, 100), name: `${name}, i386` },
      { offset: 0, bytes: Uint8Array.of(magic & 0xff, magic >> 8, 0), name: `${name}, no machine type` },
    ];
  }),
  async probe(source) {
    return recognize(await head(source, HEADER_SIZE));
  },
  async load(source) {
    const header = await readHeader(source);
    await refuseSharedLibraries(source, header);
    return { kind: 'image', image: image(source, header) };
  },
  symbols,
});

function image(source: Source, header: AoutHeader): ProgramImage {
  const { a_text, a_data, a_bss, textAddress, dataAddress, bssAddress } = header;
  return {
    format: 'aout',
    variant: header.magic,
    arch: 'i386',
    placement: { kind: 'fixed' },
    segments: segments(source, header),
    entry: BigInt(header.a_entry),
    code: { start: textAddress, end: textAddress + BigInt(a_text) },
    data: { start: dataAddress, end: dataAddress + BigInt(a_data) },
    // To the kernel the heap began with the bss.
    brk: { start: bssAddress, end: bssAddress + BigInt(a_bss), randomize: false },
    stack: { layout: 'aout', execution: 'everything-readable' },
  };
}

function segments(source: Source, header: AoutHeader): Segment[] {
  const { a_text, a_data, a_bss, textAddress, dataAddress, bssAddress, textOffset } = header;
  const list: Segment[] = [];
  // OMAGIC is impure: text and data share a page, and both are writable.
  const impure = header.magic === 'OMAGIC';
  if (!impure) {
    const content = { source, offset: textOffset, size: a_text };
    list.push({ name: 'text', address: textAddress, size: BigInt(a_text), content, protection: TEXT });
  }
  const [name, address, offset, size] = impure
    ? ['text and data', textAddress, textOffset, a_text + a_data]
    : ['data', dataAddress, textOffset + a_text, a_data];
  const zeros = pageEnd(bssAddress);
  if (size > 0) {
    list.push({ name, address, size: zeros - address, content: { source, offset, size }, protection: DATA });
  }
  const end = bssAddress + BigInt(a_bss);
  const from = size > 0 ? zeros : bssAddress;
  if (end > from) list.push({ name: 'bss', address: from, size: end - from, protection: DATA });
  return list;
}
