/**
 * Samples of other folders, packed. Nothing of the file's name or time may get in; every option that a version of a
 * packer may choose otherwise is given.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Artifact, run, SAMPLES } from './toolbox.ts';

const XZ_OPTIONS = ['--format=xz', '--check=crc64', '--threads=1', '--lzma2=preset=6'];
const ZSTD_OPTIONS = ['-q', '-19', '--single-thread', '--check', '--content-size'];

/** Makes `file` of the sample `of`, which is read as it is committed: it was just built, or compared. */
function packed(file: string, of: string, pack: (plain: string, scratch: string) => Uint8Array): Artifact {
  return { file, executable: true, make: (scratch) => pack(join(SAMPLES, of), scratch) };
}

/** RFC 1952 leaves MTIME and OS to whoever packs: node:zlib writes 0 and 3, Unix. */
const withGzip = (plain: string) => gzipSync(readFileSync(plain), { level: 9 });

function withXz(plain: string, scratch: string): Uint8Array {
  const copy = join(scratch, 'plain');
  writeFileSync(copy, readFileSync(plain));
  run('xz', [...XZ_OPTIONS, copy]);
  return readFileSync(`${copy}.xz`);
}

function withZstd(plain: string, scratch: string): Uint8Array {
  const output = join(scratch, 'packed.zst');
  run('zstd', [...ZSTD_OPTIONS, plain, '-o', output]);
  return readFileSync(output);
}

export const PACKED_ARTIFACTS: readonly Artifact[] = [
  packed('gzip/tally-static.gz', 'elf/x86_64/tally-static', withGzip),
  packed('xz/tally-dynamic-pie.xz', 'elf/x86_64/tally-dynamic-pie', withXz),
  packed('zstd/tally-qmagic.zst', 'aout/tally-qmagic', withZstd),
];
