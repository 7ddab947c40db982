/** Debian's base system: shells, and programs that ask who they are and where they run. */
import type { Program } from './program.ts';
import { ADDRESSES, processNumbers } from './variations.ts';

const BASH = `
shopt -s lastpipe
trap 'echo bye' EXIT
(echo in a subshell; exit 4); echo "status $?"
printf '%s\\n' one two three | while read -r word; do echo "[$word]"; last=$word; done
echo "$last"; [ "$$" = "$BASHPID" ] && (echo $(($$ == BASHPID)))
cat <(echo process substitution) <<< here
coproc CAT { cat; }; echo through >&\${CAT[1]}; read -r answer <&\${CAT[0]}; echo "$answer"
sleep 0.01 & wait $!; echo "\${PIPESTATUS[@]} $# $0"
kill -TERM $$
`;

const DASH = `
trap 'echo bye' EXIT
trap 'echo interrupted' INT
kill -INT $$
count() { [ "$1" -eq 0 ] || { printf '%d ' "$1"; count $(($1 - 1)); }; }
count 50 | { read -r line; echo "$line"; }
(ulimit -c; ulimit -s; umask; ulimit -u; ulimit -n)
echo "\${HOME##*/}" > out 2>&1; read -r name < out; [ -n "$name" ] && echo "named $#"
exec 5> out; echo five >&5; exec 5>&-; cat out
exit 7
`;

export const SYSTEM: readonly Program[] = [
  {
    title: 'bash',
    does: 'runs a script with subshells, pipes, a coprocess, traps and a signal to itself',
    file: '/bin/bash',
    args: ['script', 'a', 'b'],
    files: { script: BASH },
    status: 'SIGTERM',
    shows: 'process substitution',
  },
  {
    title: 'dash',
    does: 'runs a script with recursion, redirections, limits and traps',
    file: '/bin/dash',
    args: ['script', 'a', 'b'],
    files: { script: DASH },
    status: 7,
    shows: 'interrupted',
  },
  {
    title: 'env',
    does: 'starts a program with an environment of its own',
    file: '/usr/bin/env',
    args: ['-i', 'A=1', '/bin/sh', '-c', 'echo $A $HOME; env'],
    shows: 'A=1',
  },
  {
    title: 'date',
    does: 'prints a date in another time zone',
    file: '/bin/date',
    args: ['-d', '@1234567890', '+%F %T %Z'],
    env: { TZ: 'JST-9' },
    shows: '2009-02-14 08:31:30',
  },
  { title: 'id', does: 'names its user and groups through NSS plugins', file: '/usr/bin/id', shows: 'uid=' },
  {
    title: 'getent',
    does: 'looks users and services up through NSS plugins',
    file: '/usr/bin/getent',
    args: ['passwd', 'root', 'nobody', 'no-such-user'],
    status: 2,
    shows: 'root:x:0:0',
  },
  {
    title: 'getconf',
    does: 'lists what the system and this process are limited to',
    file: '/usr/bin/getconf',
    args: ['-a'],
    varies: [{ what: 'free memory', why: 'others use it', pattern: /(?<=_AVPHYS_PAGES +)\d+/, to: 'N' }],
    shows: 'OPEN_MAX',
  },
  {
    title: 'prlimit',
    does: 'shows its own resource limits',
    file: '/usr/bin/prlimit',
    shows: 'NOFILE',
  },
  {
    title: 'ps',
    does: 'finds itself in /proc',
    file: '/bin/ps',
    args: ['-wwo', 'comm=,state=,nlwp=,tty=,ignored=,blocked=,args=', '-p'],
    start: 'exec "$@" $$',
    varies: [processNumbers(/-p \d+/, '-p N')],
    shows: /^ps +R +1 .*\/bin\/ps -wwo \S+ -p N$/m,
  },
  {
    title: 'timeout',
    does: 'ends a program that takes too long',
    file: '/usr/bin/timeout',
    args: ['-v', '0.1', '/bin/sleep', '60'],
    status: 124,
    shows: 'sending signal TERM',
  },
  {
    title: 'nohup',
    does: 'starts a program that ignores SIGHUP',
    file: '/usr/bin/nohup',
    args: ['/bin/sh', '-c', 'kill -HUP $$; echo survived'],
    shows: 'survived',
  },
  {
    title: 'setarch',
    does: 'starts a program without random addresses',
    file: '/usr/bin/setarch',
    args: ['-R', '/bin/cat', '/proc/self/personality', '/proc/self/stat'],
    varies: [processNumbers(/^\d+ \(cat\) R \d+ \d+ \d+.*/m, '')],
    shows: '00040000',
  },
  {
    title: 'ld.so',
    does: 'as a program: starts another one',
    file: '/lib64/ld-linux-x86-64.so.2',
    args: ['--argv0', 'me', '/bin/sh', '-c', 'echo "$0"; exit 9'],
    status: 9,
    shows: 'me',
  },
  {
    title: 'ld.so',
    does: 'as a program: lists what a program needs',
    file: '/lib64/ld-linux-x86-64.so.2',
    args: ['--list', '/usr/bin/python3'],
    varies: [ADDRESSES],
    shows: 'libc.so.6 =>',
  },
  {
    title: 'ldconfig',
    does: 'a static PIE: lists the cache of libraries',
    file: '/sbin/ldconfig',
    args: ['-p'],
    shows: 'libc.so.6',
  },
  {
    title: 'busybox',
    does: 'one static file: its shell finds its other applets',
    file: '/bin/busybox',
    args: [
      'sh',
      '-c',
      'echo a b | busybox wc -w; busybox sha256sum none; seq 3 | busybox awk "{ s += \\$1 } END { print s }"; exit 2',
    ],
    status: 2,
    shows: /^2\n6$/m,
  },
  {
    title: 'dpkg-deb',
    does: 'builds a package and shows it',
    file: '/usr/bin/dpkg-deb',
    args: ['--build', '--root-owner-group', 'tree', 'a.deb'],
    env: { SOURCE_DATE_EPOCH: '1000000000' },
    files: {
      control: 'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a\n',
    },
    prepare:
      'mkdir -p tree/DEBIAN tree/usr; mv control tree/DEBIAN; seq 1000 > tree/usr/numbers; touch -d @1000000000 tree/usr/* tree/usr',
    produces: ['a.deb'],
    shows: "building package 'a' in 'a.deb'",
  },
  {
    title: 'script',
    does: 'runs a shell on a terminal of its own',
    file: '/usr/bin/script',
    args: ['-qec', 'tty > /dev/null && echo on a terminal; stty -a; exit 4', '/dev/null'],
    status: 4,
    shows: 'on a terminal',
  },
  {
    title: 'bash -i',
    does: 'on a terminal: edits lines, controls jobs, is stopped and interrupted',
    file: '/bin/bash',
    args: ['--norc', '--noprofile', '-i'],
    // Set here, because a bash that reads no terminal takes it out of the environment.
    start: 'PS1="ready> " TERM=dumb python3 "$SOURCES/on-a-terminal.py" "$@"',
    varies: [processNumbers(/(?<=^\[1\] )\d+/m, 'N')],
    status: 3,
    shows: /Stopped[\s\S]*130/,
  },
];
