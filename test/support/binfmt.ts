/**
 * binfmt_misc without changing the machine: a user namespace has one of its own (Linux 6.7), and in its mount namespace what is
 * written for the next boot goes to empty directories. The command is installed where nobody has anything to say against it.
 */
import { execFileSync } from 'node:child_process';
import { installAt } from './installation.ts';
import { NODE_PATH, type Outcome, quote, type RunOptions, run, type Temporary } from './run.ts';

const BINFMT_MISC = '/proc/sys/fs/binfmt_misc';
const TIME_LIMIT = 60_000;
/** Runs its first argument as a script in new namespaces, as root among users who are all known there. */
const AS_ROOT = `
pipe=$(mktemp -u) && mkfifo "$pipe"
unshare -Um --propagation private /bin/bash -c 'read -r < "$0"; rm "$0"; exec /bin/bash -c "$1" < /dev/null' "$pipe" "$1" &
tries=0
for map in uid_map gid_map; do
  until echo '0 0 65536' > /proc/$!/$map; do
    tries=$((tries + 1)); [ $tries -lt 500 ] || { kill $!; exit 99; }
    sleep 0.01
  done 2> /dev/null
done
echo > "$pipe"
wait $!`;
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
  /** Runs a script of bash in a new namespace; `rf` in it is `run-foreign binfmt`, `$misc` the directory of entries, `$nobody` a user. */
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
    "nobody='setpriv --reuid=1234 --regid=1234 --clear-groups'",
    'mounted() { mount -t binfmt_misc none $misc; }',
  ];
  return {
    command,
    script(text, options = {}) {
      const lines = ['set -e', ...setUp, 'set +e', text].join('\n');
      return run('/bin/sh', ['-c', AS_ROOT, 'sh', lines], {
        cwd: directory.path,
        env: { PATH: NODE_PATH, HOME: '/none' },
        timeout: TIME_LIMIT,
        ...options,
      });
    },
  };
}
