/**
 * gzip (RFC 1952): one or more members, each a header, deflate blocks, and a sum and a size of what is in them. Nothing
 * is handed on before the last sum is right.
 */
import {
  defineLoader,
  FormatError,
  hex,
  type Source,
  Structure,
  startsWith,
  Unpacked,
} from 'run-foreign/loader';

const MAGIC = Uint8Array.from([0x1f, 0x8b, 0x08]);
const TRAILER_SIZE = 8;
/** bgzip makes one every 64 KiB, so these are 1 GiB; without a bound, empty ones would keep us busy for minutes. */
const MAX_MEMBERS = 16_384;
const PADDING_PIECE = 4096;

export const gzip = defineLoader({
  name: 'gzip',
  apiVersion: 1,
  kind: 'wrapper',
  description: 'programs in any format, packed with gzip',
  magics: [{ offset: 0, bytes: MAGIC, name: 'gzip' }],
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },
  async load(source, context) {
    const unpacked = new Unpacked(source, context);
    let at = 0;
    let last = 0;
    for (let members = 0; members === 0 || !(await isPadding(source, at)); members++) {
      if (members === MAX_MEMBERS) {
        const message = `has more than ${MAX_MEMBERS} gzip members`;
        throw new FormatError(message, { offset: at, field: 'ID1, ID2', value: `member ${members + 1}` });
      }
      if (members > 0) await expectMember(source, at);
      last = at;
      at = await readMember(source, at, unpacked);
    }
    if (unpacked.size === 0) {
      throw new FormatError('holds nothing', { offset: last, field: 'ISIZE', value: 0 });
    }
    return { kind: 'unwrap', source: unpacked.source() };
  },
});

/** Unpacks the member at `at` and returns where it ends. */
async function readMember(source: Source, at: number, unpacked: Unpacked): Promise<number> {
  const { headerEnd } = await import('./header.ts');
  const { inflate } = await import('./inflate.ts');
  const { end, crc, size } = await inflate(source, await headerEnd(source, at), unpacked);
  const trailer = await Structure.read(source, end, TRAILER_SIZE, 'gzip trailer');
  if (trailer.u32(0) !== crc) {
    throw trailer.error(`is damaged: the sum of what it holds is ${hex(crc)}`, 0, 'CRC32', trailer.u32(0));
  }
  if (trailer.u32(4) !== size % 2 ** 32) {
    throw trailer.error(`is damaged: it holds ${hex(size)} bytes`, 4, 'ISIZE', trailer.u32(4));
  }
  return end + TRAILER_SIZE;
}

/** gzip(1) takes zeros up to the end for padding of a tape, and all else for garbage that it warns of. */
async function isPadding(source: Source, at: number): Promise<boolean> {
  for (let done = at; done < source.size; done += PADDING_PIECE) {
    const piece = await source.read(done, Math.min(PADDING_PIECE, source.size - done));
    if (piece.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/** There is nobody to warn who would read it before the program runs, so garbage is an error here. */
async function expectMember(source: Source, at: number): Promise<void> {
  const found = Buffer.from(await source.read(at, Math.min(2, source.size - at))).toString('hex');
  if (found === '1f8b') return;
  const value = `0x${found}`;
  throw new FormatError('goes on behind its end with something that is not gzip', {
    offset: at,
    field: 'ID1, ID2',
    value,
  });
}
