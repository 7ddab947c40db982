/** A program that spawnForeign starts is, to all who look, the one that child_process.spawn starts; also the second time. */
import { copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { withoutRandomness } from '../e2e/identity-checks.ts';
import { exact, view } from '../e2e/identity-view.ts';
import { SAMPLES, temporary } from '../support/run.ts';
import { type Job, type Started, startedBy } from './identity.ts';

const directory = temporary();
afterAll(directory.remove);
const fixed = await withoutRandomness();

const sample = (name: string) => join(SAMPLES, name);
const env = { PATH: '/usr/bin:/bin', A: 'a value', EMPTY: '' };
const args = ['-', '', 'last'];

/** A copy of a sample under a path of `length` bytes. */
function copyAt(length: number, name: string): string {
  let path = directory.path;
  while (path.length + 1 + 200 < length)
    path = join(path, 'd'.repeat(Math.min(200, length - path.length - 3)));
  path = join(path, (name.startsWith('aout') ? 'a' : 'e').repeat(length - path.length - 1));
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(sample(name), path);
  return path;
}

copyFileSync(sample('elf/x86_64/tally-static'), join(directory.path, 'x'));
copyFileSync(sample('aout/tally-qmagic'), join(directory.path, 'a'));
const LONG = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(100_000));
const MUCH = Object.fromEntries(LONG.map((value, index) => [`V${index}`, value]));

const elf: [what: string, job: Job][] = [
  ['a static program', { file: sample('elf/x86_64/tally-static'), args, env }],
  ['a static PIE', { file: sample('elf/x86_64/tally-static-pie'), args, env }],
  ['a PIE', { file: realpathSync('/bin/cat'), args, env }],
  ['a dynamic program', { file: sample('elf/x86_64/tally-dynamic-nopie'), args, env }],
  ['32 bits', { file: sample('elf/i386/tally-static'), args, env, bits: 32 }],
  ['a 32-bit static PIE', { file: sample('elf/i386/tally-static-pie'), args, env, bits: 32 }],
  ['the shortest path', { file: './x', args, env, cwd: directory.path }],
  ...[62, 63, 64, 65, 66, 67, 68, 69, 4095].map((length): [string, Job] => [
    `a path of ${length} bytes`,
    { file: copyAt(length, 'elf/x86_64/tally-static'), args, env },
  ]),
  ['no arguments', { file: '/bin/cat', args: [], env }],
  ['no environment', { file: '/bin/cat', args: ['-'], env: {} }],
  ['nothing but a name', { file: '/bin/cat', args: [], env: {} }],
  ['an empty argv[0]', { file: '/bin/cat', args: [], argv0: '', env }],
  ['nothing at all', { file: '/bin/cat', args: [], argv0: '', env: {} }],
  ['empty arguments', { file: '/bin/cat', args: ['-', '', '', ''], env: { A: '' } }],
  ['1.6 MB of arguments and environment', { file: '/bin/cat', args: ['-', ...LONG], env: MUCH }],
  ['1.6 MB below the shortest path', { file: './x', args: ['-', ...LONG], env: MUCH, cwd: directory.path }],
  [
    '1.6 MB below a long path',
    { file: copyAt(3000, 'elf/x86_64/tally-static'), args: ['-', ...LONG], env: MUCH },
  ],
  ...[3, 4, 10].map((stdio): [string, Job] => [
    `${stdio} descriptors`,
    { file: '/bin/cat', args, env, stdio },
  ]),
];
const aout: [what: string, job: Job][] = [
  ['the shortest path', { file: './a', args, env, cwd: directory.path }],
  ['a path as it comes', { file: sample('aout/tally-qmagic'), args, env }],
  ...[60, 61, 62, 63, 4095].map((length): [string, Job] => [
    `a path of ${length} bytes`,
    { file: copyAt(length, 'aout/tally-qmagic'), args, env },
  ]),
  ['no environment', { file: './a', args, env: {}, cwd: directory.path }],
  ['1.6 MB', { file: './a', args: ['-', ...LONG], env: MUCH, cwd: directory.path }],
  ['1.6 MB below a long path', { file: copyAt(2000, 'aout/tally-qmagic'), args: ['-', ...LONG], env: MUCH }],
].map(([what, job]) => [what as string, { ...(job as Job), bits: 32 }]);

/** All but what the stack holds, which is compared apart: nobody reads a difference of megabytes. */
const toCompare = (started: Started) => {
  const { comm, exe, cmdline, environ, descriptors } = started;
  return { comm, exe, cmdline, environ, descriptors, ...exact(started) };
};

describe.skipIf(fixed.length === 0)('without randomisation, to the byte', () => {
  test.each(elf)('%s', async (_, job) => {
    const [native] = await startedBy('native', job, { prefix: fixed });
    for (const foreign of await startedBy('foreign', job, { prefix: fixed, times: 2 })) {
      expect(toCompare(foreign)).toEqual(native && toCompare(native));
      expect(foreign.stack.equals(native?.stack ?? Buffer.of())).toBe(true);
    }
  });

  test.each(aout)('a.out, %s', async (_, job) => {
    const [planned] = await startedBy('command', job, { prefix: fixed });
    for (const foreign of await startedBy('foreign', job, { prefix: fixed, times: 2 })) {
      expect(toCompare(foreign)).toEqual(planned && toCompare(planned));
      expect(foreign.stack.equals(planned?.stack ?? Buffer.of())).toBe(true);
    }
  });
});

describe('with randomisation', () => {
  test.each(elf.slice(0, 6))('%s', async (_, job) => {
    const [native] = await startedBy('native', job);
    const starts = await startedBy('foreign', job, { times: 4 });
    for (const foreign of starts) expect(view(foreign)).toEqual(native && view(native));
    const differing = (what: (started: Started) => bigint | undefined) => new Set(starts.map(what)).size;
    expect(differing(({ stat }) => stat.start_stack)).toBeGreaterThan(1);
    expect(differing(({ stat }) => stat.start_brk)).toBeGreaterThan(1);
    if (!job.file.endsWith('static') && !job.file.endsWith('nopie'))
      expect(differing(({ stat }) => stat.start_code)).toBeGreaterThan(1);
  });
});
