/**
 * Programs that look into others: started by run-foreign, and looking at a program that run-foreign started. The
 * second kind is looked at once it says that it is ready, and then left to end.
 */
import type { Program } from './program.ts';
import { ADDRESSES, processNumbers } from './variations.ts';

const NESTED = 'gcc -g -O0 -fno-omit-frame-pointer -pthread';

/** Looks at the process `$pid` with the bash command `look` once it waits for input. */
const lookWith = (look: string) => `
mkfifo in out; "$@" < in > out &
pid=$!; exec 9> in 8< out; read -r ready <&8; echo "$ready"
{ ${look}
} 8<&- 9>&-
exec 9>&-; cat <&8; wait $pid; echo "status $?"
`;

/** What gdb prints of threads and cores. */
const GDB = [ADDRESSES, processNumbers(/\b(process|LWP|corefile core\.) ?\d+/g, '$1 N')];

const gdb = (...commands: readonly string[]) => [
  '-nx',
  '-batch',
  ...commands.flatMap((command) => ['-ex', command]),
];
const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

const LOOK = [
  'set debuginfod enabled off',
  'set backtrace past-main on',
  'thread apply all backtrace',
  'frame function between',
  'info locals',
  'print origin',
  'info proc exe',
  'info proc cmdline',
  'info sharedlibrary',
  'detach',
];

function attached(title: string, flags: string): Program {
  return {
    title: 'gdb -p',
    does: `attaches to ${title} that run-foreign started, and unwinds its threads down to _start`,
    file: './nested',
    args: ['a'],
    prepare: `${NESTED} ${flags} "$SOURCES/nested.c" -o nested`,
    start: lookWith(`gdb -p $pid ${quoted(gdb(...LOOK))} 2>&1`),
    varies: GDB,
    shows:
      /in waits \(at=\.\.\., why=.* "ready"\)[\s\S]* main \(argc=2, [\s\S]* _start \(\)[\s\S]*\$1 = \{x = 7/,
  };
}

export const DEBUGGERS: readonly Program[] = [
  {
    title: 'gdb',
    does: 'runs a program to a breakpoint, in a process and with the symbols it would have',
    file: '/usr/bin/gdb',
    args: [
      ...gdb(
        'set debuginfod enabled off',
        'break waits',
        'run',
        'backtrace',
        'print origin',
        'info proc exe',
        'up',
        'info locals',
        'kill',
      ),
      './nested',
    ],
    prepare: `${NESTED} "$SOURCES/nested.c" -o nested`,
    varies: GDB,
    shows: /\$1 = \{x = 7, y = -7\}/,
  },
  attached('a dynamic program', '-pie'),
  attached('a static program', '-static -no-pie'),
  attached('a static PIE', '-static-pie'),
  attached('a 32-bit program', '-m32'),
  {
    title: 'gcore',
    does: 'writes a core file of a program that run-foreign started, which gdb then reads',
    file: './nested',
    prepare: `${NESTED} "$SOURCES/nested.c" -o nested`,
    start: lookWith(
      `gcore -o core $pid 2>&1; gdb ./nested core.* ${quoted(gdb('set debuginfod enabled off', 'thread apply all backtrace', 'info auxv'))} 2>&1`,
    ),
    varies: GDB,
    shows: 'AT_EXECFN',
  },
  {
    title: 'strace',
    does: 'shows the system calls of a program it starts',
    file: '/usr/bin/strace',
    args: ['-e', 'trace=!getrandom', '/bin/dash', '-c', 'kill -0 $$; exit 3'],
    varies: [ADDRESSES, processNumbers(/(?<=^(set_tid_address|getp?pid)\(.*\) += |^kill\()\d+/gm, 'N')],
    status: 3,
    shows: 'exited with 3',
  },
  {
    title: 'strace -ff',
    does: 'follows the processes of a program it starts, and writes a file for each',
    file: '/usr/bin/strace',
    args: [
      '-ff',
      '-qqq',
      '-o',
      'trace',
      '-e',
      'trace=exit_group',
      '/bin/sh',
      '-c',
      '(exit 4); echo a | cat; exit 3',
    ],
    start: '"$@"; status=$?; cat trace.* | sort; exit $status',
    varies: [processNumbers(/(?<=si_pid=)\d+/g, 'N')],
    status: 3,
    shows: 'exit_group(4)',
  },
  {
    title: 'strace -p',
    does: 'attaches to a program that run-foreign started',
    file: './nested',
    prepare: `${NESTED} "$SOURCES/nested.c" -o nested`,
    start: `${lookWith(
      'strace -qq -e trace=read,write,exit_group -o trace -p $pid & until grep -q read trace 2> /dev/null; do sleep 0.01; done',
    )}wait; cat trace`,
    shows: /read\(0, +"", 1\) += 0\n[\s\S]*write\(1, "\d+\\n", \d\)[\s\S]*exit_group\(0\)/,
  },
  {
    title: 'ltrace',
    does: 'shows the library calls of a program it starts',
    file: '/usr/bin/ltrace',
    args: ['-e', 'puts+printf', './leaky'],
    prepare: 'gcc -no-pie -O0 -Wl,-z,lazy -fcf-protection=none "$SOURCES/leaky.c" -o leaky',
    shows: 'leaky->puts("done")',
  },
  {
    title: 'valgrind',
    does: 'runs a program on a CPU of its own and finds its faults',
    file: '/usr/bin/valgrind',
    args: ['--leak-check=full', '--track-origins=yes', '--error-exitcode=9', './leaky'],
    prepare: 'gcc -g -O0 "$SOURCES/leaky.c" -o leaky',
    varies: [ADDRESSES, processNumbers(/^==\d+==/gm, '==N==')],
    status: 9,
    shows: 'definitely lost: 30 bytes in 2 blocks',
  },
  {
    title: 'perf record',
    does: 'finds where a program that run-foreign started spends its time',
    file: './busy',
    prepare: 'gcc -O1 -g "$SOURCES/busy.c" -o busy',
    // Many a container may not profile: then both are refused.
    start: `perf record -q -e cpu-clock:u -o data -- "$@"
      perf report -i data -q --stdio --comms busy --dsos busy --percent-limit 20 -F sym`,
    shows: /^ *\[\.\] hot|perf_event/m,
  },
  {
    title: 'pmap',
    does: 'shows the memory of a program that run-foreign started',
    file: './nested',
    prepare: `${NESTED} "$SOURCES/nested.c" -o nested`,
    start: lookWith('pmap $pid'),
    varies: [processNumbers(/^\d+: /m, 'N: '), { ...ADDRESSES, pattern: /^[0-9a-f]{16} /gm, to: '' }],
    shows: /r-x-- nested$/m,
  },
  {
    title: 'start-stop-daemon',
    does: 'finds a program that run-foreign started by its file, name and owner, and ends it',
    file: './nested',
    prepare: `${NESTED} "$SOURCES/nested.c" -o nested`,
    start: lookWith(
      'start-stop-daemon --stop -v --oknodo --exec "$PWD/nested" --name nested --user "$(id -u)" --pid $pid --retry 5 2>&1',
    ),
    varies: [processNumbers(/(?<=process in pidfile|\(pid )\d+/g, 'N')],
    shows: 'status 143',
  },
];
