/**
 * Where the header ends: at the first line that begins with `---`. What lies in it is the package's to read (decoder.ts),
 * but for what that is too lenient about.
 */
import { ForeignError, FormatError, type Source } from 'run-foreign/loader';

const VERSION_LINE = Buffer.from('age-encryption.org/v1\n');
/** Enough for 300 recipients, or 25 post-quantum ones. */
export const MAX_HEADER_SIZE = 64 * 1024;
const FIRST_READ = 1024;
export const NONCE_SIZE = 16;
/** A SHA-256 in base64 without padding, whose last character holds four bits. */
const MAC_LINE = /^--- [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/;

export interface Header {
  /** From the version line to the MAC. */
  readonly bytes: Buffer;
  /** Of the payload. */
  readonly nonce: Uint8Array;
  /** Where the payload's chunks begin, bytes. */
  readonly end: number;
}

/** Throws FormatError, UNSUPPORTED for another version, TOO_BIG. */
export async function readHeader(source: Source): Promise<Header> {
  const { bytes, macAt } = await findHeader(source);
  const mac = bytes.subarray(macAt, -1).toString('latin1');
  if (!MAC_LINE.test(mac)) {
    throw new FormatError('has a damaged header', {
      offset: macAt,
      field: 'MAC',
      value: JSON.stringify(mac),
    });
  }
  // The package would say that no key fits.
  if (macAt === VERSION_LINE.length) {
    throw new FormatError('is sealed for nobody', { offset: macAt, field: 'recipient stanzas', value: 0 });
  }
  const end = bytes.length + NONCE_SIZE;
  if (end > source.size) {
    throw new FormatError('is cut off behind its header', {
      offset: bytes.length,
      field: 'nonce',
      value: `${source.size - bytes.length} bytes`,
    });
  }
  return { bytes, nonce: await source.read(bytes.length, NONCE_SIZE), end };
}

async function findHeader(source: Source): Promise<{ bytes: Buffer; macAt: number }> {
  for (let length = FIRST_READ; ; length *= 8) {
    const size = Math.min(length, MAX_HEADER_SIZE, source.size);
    const bytes = Buffer.from(await source.read(0, size));
    checkVersion(bytes);
    const macAt = bytes.indexOf('\n---') + 1;
    const end = macAt === 0 ? -1 : bytes.indexOf('\n', macAt);
    if (end >= 0) return { bytes: bytes.subarray(0, end + 1), macAt };
    if (size === source.size) {
      throw new FormatError('is cut off in its header', { offset: size, field: 'MAC', value: 'none' });
    }
    if (size === MAX_HEADER_SIZE) {
      throw new ForeignError('TOO_BIG', `has a header of more than ${MAX_HEADER_SIZE / 1024} KiB`, {
        hint: 'seal it for fewer recipients',
      });
    }
  }
}

function checkVersion(bytes: Buffer): void {
  if (bytes.subarray(0, VERSION_LINE.length).equals(VERSION_LINE)) return;
  const version = /^age-encryption\.org\/(v[0-9]{1,9})\n/.exec(bytes.toString('latin1', 0, 40))?.[1];
  if (version !== undefined) {
    throw new ForeignError('UNSUPPORTED', `is an age file of version ${version}; only v1 can be opened`);
  }
  throw new FormatError('is no age file', {
    offset: 0,
    field: 'version line',
    value: JSON.stringify(bytes.toString('latin1', 0, VERSION_LINE.length)),
  });
}
