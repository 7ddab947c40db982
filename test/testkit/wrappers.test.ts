/** The loaders that hold or name other programs, tested as a plugin author tests one. */

import { gzipSync } from 'node:zlib';
import { testLoader } from 'run-foreign/testkit';
import { age } from '../../loaders/age/index.ts';
import { gzip } from '../../loaders/gzip/index.ts';
import { manifest } from '../../loaders/manifest/index.ts';
import { script } from '../../loaders/script/index.ts';
import { xz } from '../../loaders/xz/index.ts';
import { zstd } from '../../loaders/zstd/index.ts';
import { emptyXz, sampleBytes } from '../support/packed.ts';
import { NODE_PATH } from '../support/run.ts';
import { IDENTITY, SEALED } from './sealed-sample.ts';

const sample = (path: string) => new URL(`../../samples/${path}`, import.meta.url);
const run = { stdin: 'alpha beta\ngamma\n', stdout: '2 3 17 -\n' };

testLoader(gzip, {
  accepts: { gzip: sample('gzip/tally-static.gz') },
  rejects: { 'one byte of the magic': Uint8Array.of(0x1f) },
  broken: {
    'a gzip file of nothing': { file: () => gzipSync(''), field: 'ISIZE', offset: 0 },
  },
  programs: [{ name: 'tally, packed with gzip', file: sample('gzip/tally-static.gz'), ...run }],
});

testLoader(xz, {
  accepts: { xz: sample('xz/tally-dynamic-pie.xz') },
  broken: { 'an xz file of nothing': { file: () => emptyXz(), field: 'Uncompressed Size', offset: 0 } },
});

testLoader(zstd, {
  accepts: { zstd: sample('zstd/tally-qmagic.zst') },
});

testLoader(script, {
  accepts: { script: Buffer.from('#!/bin/sh -e\necho hello\n'), 'script-of-ours': ourScript() },
  rejects: { 'half a mark': Buffer.from('#') },
  programs: [
    {
      name: 'a shell script',
      file: Buffer.from('#!/bin/sh -e\necho "$1 $-" | tr -d s; echo wrong >&2; kill -TERM $$\n'),
      args: ['hello'],
      stdout: 'hello e\n',
      stderr: 'wrong\n',
      signal: 'SIGTERM',
    },
    {
      name: 'a script for env',
      file: Buffer.from("#!/usr/bin/env node\nconsole.log('hello', process.env.NAME)\n"),
      env: { PATH: NODE_PATH, NAME: 'you' },
      stdout: 'hello you\n',
    },
    { name: 'a program behind a line of ours', file: ourScript, ...run },
  ],
});

function ourScript(): Buffer {
  return Buffer.concat([Buffer.from('#!/usr/bin/run-foreign\n'), sampleBytes('elf/x86_64/tally-static')]);
}

testLoader(manifest, {
  accepts: { manifest: sample('manifest/tally.json') },
  rejects: { 'other JSON': Buffer.from('{"name": "run-foreign"}\n') },
});

testLoader(age, {
  identities: [IDENTITY],
  accepts: { age: SEALED },
  rejects: { 'the beginning of a version line': Buffer.from('age-enc') },
});
