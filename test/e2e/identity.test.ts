/**
 * A program started by run-foreign is, to everyone who looks, the program execve would have started:
 * programs of the base system and samples that wait for input, seen through /proc/PID.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLES } from '../support/run.ts';
import { describeFixedIdentity, describeIdentity, type Program } from './identity-checks.ts';

const sample = (path: string, bits: 32 | 64): Program => ({
  title: path,
  file: () => join(SAMPLES, path),
  bits,
  args: ['-', '', 'last'],
});
const system = (path: string, args: readonly string[]): Program => ({
  title: path,
  file: () => realpathSync(path),
  bits: 64,
  args,
});

const PROGRAMS = [
  system('/bin/cat', ['-']),
  system('/bin/sleep', ['1000']),
  sample('elf/x86_64/tally-static', 64),
  sample('elf/x86_64/tally-static-pie', 64),
  sample('elf/x86_64/tally-dynamic-pie', 64),
  sample('elf/x86_64/tally-dynamic-nopie', 64),
  sample('elf/i386/tally-static', 32),
  sample('elf/i386/tally-static-pie', 32),
];

for (const program of PROGRAMS) describeIdentity(program);
for (const program of PROGRAMS) describeFixedIdentity(program);
