/**
 * binfmt_misc without changing the machine: a user namespace has one of its own (Linux 6.7), and in its mount namespace what is
 * written for the next boot goes to empty directories. The command is installed where nobody has anything to say against it.
 */
import { execFileSync } from 'node:child_process';
import { installAt } from './installation.ts';
import { NODE_PATH, type Outcome, quote, type RunOptions, run, type Temporary } from './run.ts';

const BINFMT_MISC = '/proc/sys/fs/binfmt_misc';
const TIME_LIMIT = 60_000;
/** Where the command looks for files, and for Node when there is no PATH. */
const EMPTY = [
  '/etc/binfmt.d',
  '/run',
  '/usr/lib/binfmt.d',
  '/usr/share/binfmts',
  '/var/lib/binfmts',
  '/usr/local/bin',
];

export interface OwnBinfmt {
  readonly command: string;
  /** Runs a script of bash in a new namespace; `rf` in it is `run-foreign binfmt`, and `$misc` the directory of entries. */
  readonly script: (text: string, options?: RunOptions) => Promise<Outcome>;
}

/** `samples` are copied into the directory, which is the current one of scripts. */
export function ownBinfmt(directory: Temporary, samples: readonly string[]): OwnBinfmt {
  // The usual directories may be missing on a machine that has never had an entry.
  const present = EMPTY.filter(
    (path) => execFileSync('sh', ['-c', 'test -d "$1" && echo yes || :', 'sh', path]).length > 0,
  );
  const { command } = installAt(directory.path, samples);
  const setUp = [
    ...present.map((path) => `mount -t tmpfs none ${path}`),
    `ln -s ${quote(process.execPath)} /usr/local/bin/node`,
    `misc=${BINFMT_MISC}`,
    `rf() { ${quote(command)} binfmt "$@"; }`,
    'mounted() { mount -t binfmt_misc none $misc; }',
  ];
  return {
    command,
    script(text, options = {}) {
      const lines = ['set -e', ...setUp, 'set +e', text].join('\n');
      return run('/usr/bin/unshare', ['-Urm', '--propagation', 'private', '/bin/bash', '-c', lines], {
        cwd: directory.path,
        env: { PATH: NODE_PATH, HOME: '/none' },
        timeout: TIME_LIMIT,
        ...options,
      });
    },
  };
}
