/**
 * Programs of libc 4 that need shared libraries. Their file is an ordinary a.out program; what tells them is in their
 * data: for every library that was linked, one `struct libentry`, which mkstubs of the DLL tools put into the library's
 * stubs. The start code alone tells nothing, because that of static programs is the same.
 */
import { ForeignError, type Source, Structure } from 'run-foreign/loader';
import { type AoutHeader, PAGE_SIZE } from './header.ts';

/** struct libentry of <sharedlib.h>: four words of 32 bits. */
const LIBENTRY = { name: 0, avers: 4, addr: 8, vers: 12, size: 16 } as const;
/** Where they lie: libc at the first of these addresses, the others behind it, each where it was given a place by hand. */
const LIBRARIES = { start: 0x6000_0000, end: 0x7000_0000 } as const;
/** Bytes of data that are searched; the entries lie in any place of it. */
const MAX_SEARCHED = 16 * 2 ** 20;
const MAX_NAME = 256;
/** Numbers that look like a library's address, and are none: data that is full of them is no program of that time. */
const MAX_CANDIDATES = 1000;

interface Library {
  readonly name: string;
  readonly version: number;
}

/** Throws UNSUPPORTED for a program that would ask the kernel for shared libraries. */
export async function refuseSharedLibraries(source: Source, header: AoutHeader): Promise<void> {
  const library = await findLibrary(source, header);
  if (library === undefined) return;
  const version = `${library.version >>> 16}.${Math.floor((library.version & 0xffff) / 100)}`;
  const message = `needs the a.out shared library ${library.name} (${version}), which is loaded by uselib(2), and Linux has that no more`;
  throw new ForeignError('UNSUPPORTED', message, { hint: 'only static a.out programs can be run' });
}

async function findLibrary(source: Source, header: AoutHeader): Promise<Library | undefined> {
  const { a_text, a_data, textOffset } = header;
  const at = textOffset + a_text;
  const data = new Structure(await source.read(at, Math.min(a_data, MAX_SEARCHED)), at);
  let candidates = 0;
  for (let from = 0; from + LIBENTRY.size <= data.bytes.length && candidates < MAX_CANDIDATES; from += 4) {
    const addr = data.u32(from + LIBENTRY.addr);
    if (addr < LIBRARIES.start || addr >= LIBRARIES.end || addr % PAGE_SIZE !== 0) continue;
    candidates++;
    const name = await stringAt(source, header, data.u32(from + LIBENTRY.name));
    const avers = await stringAt(source, header, data.u32(from + LIBENTRY.avers));
    if (name !== undefined && /\.so\b/.test(name) && avers !== undefined)
      return { name, version: data.u32(from + LIBENTRY.vers) };
  }
  return undefined;
}

/** The printable string at an address of the program. */
async function stringAt(source: Source, header: AoutHeader, address: number): Promise<string | undefined> {
  const { a_text, a_data, textOffset, textAddress, dataAddress } = header;
  const inText = address - Number(textAddress);
  const inData = address - Number(dataAddress);
  const parts = [
    { offset: inText, size: a_text, at: textOffset },
    { offset: inData, size: a_data, at: textOffset + a_text },
  ];
  const part = parts.find(({ offset, size }) => offset >= 0 && offset < size);
  if (part === undefined) return undefined;
  const { offset, size, at } = part;
  const bytes = Buffer.from(await source.read(at + offset, Math.min(MAX_NAME, size - offset)));
  return /^[\x20-\x7e]+(?=\0)/.exec(bytes.toString('latin1'))?.[0];
}
