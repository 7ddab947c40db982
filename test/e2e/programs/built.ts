/** Programs of our own, built in every way a file can be linked: test/programs holds their sources. */
import type { Program } from './program.ts';
import { processNumbers } from './variations.ts';

const STRICT = '-O1 -Wall -Wextra -Werror';

/** hello.c, built by `command`. */
function hello(title: string, does: string, command: string): Program {
  return {
    title,
    does: `${does}: prints its arguments and an error`,
    file: './hello',
    args: ['two', 'more words'],
    prepare: `${command} "$SOURCES/hello.c" -o hello -lm`,
    status: 3,
    shows: '2 more words\n',
  };
}

/** A program that says itself what is wrong, by an exit status and by what it prints. */
function own(program: Omit<Program, 'file'>, source: string, flags: string): Program {
  const compiler = source.endsWith('.cc') ? 'g++' : 'gcc';
  return {
    ...program,
    file: './program',
    prepare: `${program.prepare ?? ''}\n${compiler} ${STRICT} ${flags} "$SOURCES/${source}" -o program`,
  };
}

const HEADERS = {
  title: 'dl_iterate_phdr',
  status: 2,
  shows: "the program's headers are those of the auxv: 1",
};

export const BUILT: readonly Program[] = [
  hello('gcc -static', 'a static program', 'gcc -static -no-pie'),
  hello('gcc -static-pie', 'a static program at any address', 'gcc -static-pie'),
  hello('gcc -no-pie', 'a dynamic program at its own address', 'gcc -no-pie'),
  hello('gcc -m32', 'a 32-bit dynamic program', 'gcc -m32'),
  hello(
    'gcc, packed relocations',
    'DT_RELR, lazy binding and no build ID',
    'gcc -Wl,-z,pack-relative-relocs,-z,lazy,--build-id=none',
  ),
  hello(
    'gcc, odd addresses',
    'text at 0x10000000, headers, text and data in as few segments as can be',
    'gcc -static -Wl,-Ttext-segment=0x10000000 -Wl,-z,noseparate-code',
  ),
  hello(
    'gcc, huge alignment',
    'segments aligned to 2 MiB',
    'gcc -Wl,-z,max-page-size=0x200000,-z,common-page-size=0x200000',
  ),
  hello('ld.gold', 'linked by another linker', 'gcc -fuse-ld=gold'),
  hello('musl-gcc -static', 'a static program with musl', 'musl-gcc -static'),
  hello('musl-gcc', 'a dynamic program with musl: its interpreter is its libc', 'musl-gcc'),
  hello('tcc', 'a program that tcc compiled and linked', 'tcc'),

  hello('gcc -fsanitize=address', 'shadow memory at a fixed address', 'gcc -g -fsanitize=address,undefined'),
  hello('gcc -fsanitize=thread', 'a fixed layout of the whole address space', 'gcc -g -fsanitize=thread'),
  own(
    {
      title: 'vsyscall',
      does: 'calls the vsyscall page, and dies of SIGSEGV where the kernel gives none',
      start: '"$@"; echo "status $?"',
      varies: [processNumbers(/\d+(?= Segmentation fault)/, 'N')],
      shows: /the time is right\nstatus 0|calling\nstatus 139/,
    },
    'vsyscall.c',
    '',
  ),
  own(
    { title: 'nested functions', does: 'run on an executable stack', shows: '[stack] rwxp\n' },
    'executable-stack.c',
    '-Wl,-z,execstack',
  ),
  own(
    {
      title: 'nested functions',
      does: 'die where the stack is not executable',
      status: 'SIGSEGV',
      shows: '[stack] rw-p\n',
    },
    'executable-stack.c',
    '-Wl,-z,noexecstack',
  ),
  own(
    {
      title: 'nested functions',
      does: 'run on an executable stack, in a static program',
      shows: 'compared on the stack',
    },
    'executable-stack.c',
    '-static -Wl,-z,execstack',
  ),
  own(
    {
      title: 'g++',
      does: 'an IFUNC, dlopen, thread-local objects and exceptions through a plugin',
      prepare: `g++ ${STRICT} -fPIC -shared "$SOURCES/plugin.cc" -o plugin.so`,
      status: 4,
      shows: 'terminated',
    },
    'exceptions.cc',
    '',
  ),
  own({ ...HEADERS, does: 'walks its auxv and headers, static' }, 'headers.c', '-static'),
  own({ ...HEADERS, does: 'walks its auxv, headers and libraries, dynamic', status: 4 }, 'headers.c', ''),
  own(
    {
      title: 'deep recursion',
      does: 'fills its stack to the limit, three times, and catches SIGSEGV on another',
      shows: '16/16',
    },
    'deep.c',
    '',
  ),
  own(
    {
      title: 'deep recursion',
      does: 'the same with a limit of 512 KiB',
      start: 'ulimit -s 512; exec "$@"',
      shows: '16/16',
    },
    'deep.c',
    '-static',
  ),
  own(
    {
      title: 'makecontext',
      does: 'runs coroutines on stacks of their own and jumps out of them',
      status: 5,
      shows: 'left by 5 after 9',
    },
    'contexts.c',
    '',
  ),
  own(
    {
      title: '/proc/self/exe',
      does: 'reads its name there, and executes itself again and again',
      status: 6,
      shows: 'work/program as again, 3 arguments, the same file: 1',
    },
    'again.c',
    '',
  ),
  own(
    {
      title: 'seccomp',
      does: 'puts itself under a filter and a child under strict mode',
      shows: 'trapped uname: 1, by seccomp: 1',
    },
    'seccomp.c',
    '',
  ),
  own(
    { title: 'ptrace', does: 'traces a child: memory, registers, system calls', shows: 'exit 7' },
    'tracer.c',
    '',
  ),
];
