/** What stands under the name, and who may execute it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { type Box, type FileCase, POWERLESS } from './case.ts';
import { interpreted, pie, program } from './program.ts';

/** Holds a file open for writing while the words after it run. */
const WRITING = ['sh', '-c', 'f=$1; shift; exec 9>>"$f"; exec "$@"', 'sh'];
/** Runs the words after the first where that one, a directory, is mounted without exec. */
const NOEXEC = [
  ...['unshare', '--mount', 'sh', '-ec'],
  'mount --bind "$1" "$1"; mount -o remount,bind,noexec "$1"; shift; exec "$@"',
  'sh',
];
const NOBODY = 65534;

const named = (title: string, make: (box: Box) => string): FileCase => ({ title, make });

const kinds: readonly FileCase[] = [
  named('no such file', (box) => box.at('prog')),
  named('an empty name', () => ''),
  named('below a file', (box) => `${box.file('prog', program())}/x`),
  named('below a missing directory', (box) => box.at('no/prog')),
  named('a program with a slash behind it', (box) => `${box.file('prog', program())}/`),
  named('a directory', (box) => box.path),
  named('a directory with a slash behind it', (box) => `${box.path}/`),
  named('a FIFO', (box) => {
    execFileSync('mkfifo', ['-m', '755', box.at('prog')]);
    return box.at('prog');
  }),
  named('a socket', (box) => {
    const script = 'require("net").createServer().listen(process.argv[1], () => process.exit())';
    execFileSync(process.execPath, ['-e', script, box.at('prog')]);
    return box.at('prog');
  }),
  named('a device', () => '/dev/null'),
  named('a symbolic link', (box) => {
    box.file('target', program());
    symlinkSync('target', box.at('prog'));
    return box.at('prog');
  }),
  named('a symbolic link to nothing', (box) => {
    symlinkSync('nothing', box.at('prog'));
    return box.at('prog');
  }),
  named('a symbolic link to itself', (box) => {
    symlinkSync('prog', box.at('prog'));
    return box.at('prog');
  }),
  named('a name of 256 letters', (box) => box.at('x'.repeat(256))),
  named('a path of 4096 bytes', (box) => `${box.path}${'/.'.repeat(2048)}`),
];

const permissions: readonly FileCase[] = [
  named('no x bit', (box) => box.file('prog', program(), 0o644)),
  {
    ...named('an x bit for others alone, root’s program', (box) => box.file('prog', program(), 0o601)),
    needs: 'root',
  },
  {
    title: 'an x bit for others alone, root’s program, without capabilities',
    make: (box) => ({ path: box.file('prog', program(), 0o601), before: POWERLESS }),
    needs: 'root',
  },
  {
    title: 'in a directory that may not be searched',
    make: (box) => {
      mkdirSync(box.at('closed'), { mode: 0o000 });
      return { path: box.at('closed/prog'), before: POWERLESS };
    },
    needs: 'root',
  },
  {
    title: 'executable and not readable',
    make: (box) => {
      chownSync(box.file('prog', program(), 0o711), NOBODY, NOBODY);
      return { path: box.at('prog'), before: POWERLESS };
    },
    needs: 'root',
    reason: 'the kernel may read what we may not; run-foreign reads files as its user',
  },
  {
    title: 'a set-uid program of another user',
    make: (box) => {
      const path = box.file('id', readFileSync('/usr/bin/id'));
      chownSync(path, NOBODY, NOBODY);
      chmodSync(path, 0o4755);
      return { path, args: ['-u'] };
    },
    needs: 'root',
    reason: 'set-uid bits of a foreign file are never honoured',
  },
  {
    title: 'open for writing',
    make: (box) => {
      const path = box.file('prog', program());
      return { path, before: [...WRITING, path] };
    },
  },
  {
    title: 'an interpreter open for writing',
    make: (box) => {
      const interp = box.file('interp', pie());
      return { path: box.file('prog', interpreted(`${interp}\0`)), before: [...WRITING, interp] };
    },
  },
  {
    title: 'a script open for writing',
    make: (box) => {
      const path = box.file('prog', `#!${box.file('interp', program())}\n`);
      return { path, before: [...WRITING, path] };
    },
  },
  {
    title: 'on a file system mounted noexec',
    make: (box) => ({ path: box.file('prog', program()), before: [...NOEXEC, box.path] }),
    needs: 'mounts',
  },
];

export const names: readonly FileCase[] = [...kinds, ...permissions];
