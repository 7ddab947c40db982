/**
 * A kept start, as Node writes it and the launcher reads it: the stub of a reusable plan, and behind it what it was made of
 * and by whom. The launcher executes it in place of starting Node when all of that is as it was. Everything is
 * little-endian, in words of 8 bytes.
 */
import { type FileIdentity, timeWords } from '../source/identity.ts';

/** The build puts a digest of the command in this text's place: what one build keeps no other takes. */
export const BUILD_ID = 'the digest of the whole command.';

/** Below the user's directory for caches. */
export const STARTS_DIRECTORY = 'run-foreign/starts';

/** Larger ones are not kept; a multiple of 8. */
export const MAX_START_SIZE = 32 * 1024;

const MAGIC = 'run-foreign st 1';
/** struct new_utsname, include/uapi/linux/utsname.h: two strings that follow each other. */
export const UTS_RELEASE = 65;
const UTS_BOTH = 2 * UTS_RELEASE;

/** Offsets in what stands at the end of the file. */
export const TRAILER = {
  /** MAGIC and BUILD_ID. */
  made: 0,
  madeSize: 48,
  /** Of the program: st_dev, st_ino, st_size, then seconds and nanoseconds of st_mtim and st_ctim. */
  identity: 48,
  /** The kernel's release and version, as uname(2) has them. */
  kernel: 104,
  kernelSize: UTS_BOTH,
  /** Over all that stands before it. */
  checksum: 240,
  size: 256,
} as const;

const WORD_BITS = 64;
const FIRST_LETTER = 'a'.charCodeAt(0);

/** What a kept start of this build begins its trailer with. */
export function madeBy(buildId: string): Uint8Array {
  const bytes = Buffer.alloc(TRAILER.madeSize);
  bytes.write(MAGIC + buildId, 'latin1');
  return bytes;
}

export interface Kernel {
  readonly release: string;
  readonly version: string;
}

/** What stands behind a stub, but for the checksum. */
export function startTrailer(identity: FileIdentity, { release, version }: Kernel): Uint8Array {
  const trailer = Buffer.alloc(TRAILER.checksum);
  trailer.set(madeBy(BUILD_ID), TRAILER.made);
  [identity.dev, identity.ino, identity.size, ...timeWords(identity)].forEach((word, index) => {
    trailer.writeBigUInt64LE(BigInt.asUintN(WORD_BITS, word), TRAILER.identity + index * 8);
  });
  trailer.write(release, TRAILER.kernel, UTS_RELEASE - 1, 'latin1');
  trailer.write(version, TRAILER.kernel + UTS_RELEASE, UTS_RELEASE - 1, 'latin1');
  return trailer;
}

/** All of the file; undefined where that is larger than what may be kept. */
export function startFile(stub: Uint8Array, trailer: Uint8Array): Uint8Array | undefined {
  const at = Math.ceil(stub.length / 8) * 8;
  if (at + TRAILER.size > MAX_START_SIZE) return undefined;
  const file = Buffer.alloc(at + TRAILER.size);
  file.set(stub);
  file.set(trailer, at);
  checksum(file, at + TRAILER.checksum).copy(file, at + TRAILER.checksum);
  return file;
}

/** Whether that is a whole file with this trailer. */
export function isStart(file: Uint8Array, trailer: Uint8Array): boolean {
  const [bytes, end] = [Buffer.from(file), file.length - TRAILER.size + TRAILER.checksum];
  return (
    file.length >= TRAILER.size &&
    file.length <= MAX_START_SIZE &&
    file.length % 8 === 0 &&
    bytes.subarray(end - TRAILER.checksum, end).equals(trailer) &&
    bytes.subarray(end).equals(checksum(bytes, end))
  );
}

/** The sum of all words up to `end`, and the sum of what that was after each. */
function checksum(file: Buffer, end: number): Buffer {
  let [sum, sums] = [0n, 0n];
  for (let at = 0; at < end; at += 8) {
    sum = BigInt.asUintN(WORD_BITS, sum + file.readBigUInt64LE(at));
    sums = BigInt.asUintN(WORD_BITS, sums + sum);
  }
  const bytes = Buffer.alloc(TRAILER.size - TRAILER.checksum);
  bytes.writeBigUInt64LE(sum, 0);
  bytes.writeBigUInt64LE(sums, 8);
  return bytes;
}

/** Its name in the directory: device and inode, each as 16 digits of base 16, written with the letters from `a` to `p`. */
export function startName({ dev, ino }: Pick<FileIdentity, 'dev' | 'ino'>): string {
  const digits = (value: bigint) =>
    BigInt.asUintN(WORD_BITS, value)
      .toString(16)
      .padStart(16, '0')
      .replace(/./g, (digit) => String.fromCharCode(FIRST_LETTER + Number.parseInt(digit, 16)));
  return digits(dev) + digits(ino);
}
