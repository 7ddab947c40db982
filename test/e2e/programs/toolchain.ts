/** Compilers, linkers and what is used beside them. */
import { dirname, join } from 'node:path';
import { type Program, SILENCE } from './program.ts';
import { times } from './variations.ts';

const HELLO = '#include <stdio.h>\nint main(void) { puts("hello from the compiler"); return 0; }\n';

const MAKEFILE = `
all: one.o two.o three.txt
\t@echo $(words $^) targets, $(MAKELEVEL), $(TZ)
%.o: %.c
\tgcc -c -O1 $< -o $@
three.txt: one.o
\t+@$(MAKE) -s -f inner.mk
`;

const GIT = `
set -e
git init -q -b main
printf 'one\\n' > one; git add one; git commit -q -m 'the first'
git checkout -q -b side; seq 100 > numbers; git add numbers; git commit -q -m 'numbers'
git checkout -q main; echo two >> one; git commit -qam 'the second'
git merge -q -m 'both' side; git tag -a -m 'a tag' v1; git gc -q; git fsck --strict
git log --graph --stat --format='%H %an %ad %s'; git diff v1~1 v1 --stat; git status --short; git grep -n two
git show no-such-branch
`;

const AS = [
  '\t.globl _start',
  '_start:',
  '\tmov $60, %eax',
  '\tmov $11, %edi',
  '\tsyscall',
  '\t.data',
  'word: .quad _start',
  '',
].join('\n');

export const TOOLCHAIN: readonly Program[] = [
  {
    title: 'gcc',
    does: 'compiles and links a program through cpp, cc1, as, collect2 and ld',
    file: '/usr/bin/gcc',
    args: ['-v', '-O2', '-g', 'hello.c', '-o', 'hello'],
    files: { 'hello.c': HELLO },
    produces: ['hello'],
    varies: [
      {
        what: 'names of temporary files',
        why: 'they are random',
        pattern: /\/tmp\/cc\w{6}/g,
        to: '/tmp/ccX',
      },
    ],
    shows: 'COLLECT_GCC_OPTIONS',
  },
  {
    title: 'gcc',
    does: 'reports errors of a program from standard input',
    file: '/usr/bin/gcc',
    args: ['-Wall', '-xc', '-', '-fsyntax-only'],
    input: HELLO.replace('return 0', 'return zero'),
    status: 1,
    shows: 'undeclared (first use in this function)',
  },
  {
    title: 'g++',
    does: 'compiles templates with optimisation at link time',
    file: '/usr/bin/g++',
    args: ['-O2', '-flto=2', '-frandom-seed=1', 'a.cc', '-o', 'a'],
    files: {
      'a.cc':
        '#include <map>\n#include <string>\nint main() { std::map<std::string, int> m{{"a", 1}}; return m["a"]; }\n',
    },
    produces: ['a'],
    shows: SILENCE,
  },
  {
    title: 'as',
    does: 'assembles',
    file: '/usr/bin/as',
    args: ['-al', '-o', 'a.o'],
    input: AS,
    produces: ['a.o'],
    shows: 'GAS LISTING',
  },
  {
    title: 'ld',
    does: 'links, and prints a map',
    file: '/usr/bin/ld',
    args: ['-o', 'a', 'a.o', '-Map=-', '--build-id'],
    files: { 'a.s': AS },
    prepare: 'as a.s -o a.o',
    produces: ['a'],
    shows: 'Linker script and memory map',
  },
  {
    title: 'objdump',
    does: 'disassembles',
    file: '/usr/bin/objdump',
    args: ['-dr', '--no-show-raw-insn', 'a.o'],
    files: { 'a.s': AS },
    prepare: 'as a.s -o a.o',
    shows: 'syscall',
  },
  {
    title: 'readelf',
    does: 'prints all it knows of bash',
    file: '/usr/bin/readelf',
    args: ['-aW', '/bin/bash'],
    shows: 'NT_GNU_BUILD_ID',
  },
  {
    title: 'ar',
    does: 'makes an archive with an index',
    file: '/usr/bin/ar',
    args: ['rcsDv', 'a.a', 'a.o'],
    files: { 'a.s': AS },
    prepare: 'as a.s -o a.o',
    produces: ['a.a'],
    shows: 'a - a.o',
  },
  {
    title: 'make',
    does: 'builds in two jobs and starts itself again, sharing the job server',
    file: '/usr/bin/make',
    args: ['-j2', '-Otarget', '--trace'],
    files: {
      Makefile: MAKEFILE,
      'inner.mk': 'three.txt:\n\t@echo level $(MAKELEVEL), $(filter -j%,$(MAKEFLAGS)) > $@\n',
      'one.c': 'int one(void) { return 1; }\n',
      'two.c': 'int two(void) { return 2; }\n',
    },
    // The two compilers end in any order: what they made is compared, not when.
    start: 'set -o pipefail; "$@" | sort',
    produces: ['one.o', 'two.o', 'three.txt'],
    shows: '3 targets',
  },
  {
    title: 'nasm',
    does: 'assembles to ELF',
    file: '/usr/bin/nasm',
    args: ['-felf64', '-l', 'a.lst', 'a.asm'],
    files: { 'a.asm': 'global _start\n_start: mov eax, 60\nsyscall\n' },
    produces: ['a.o', 'a.lst'],
    shows: SILENCE,
  },
  {
    title: 'tcc -run',
    does: 'compiles into its own memory and runs it there',
    file: '/usr/bin/tcc',
    args: ['-run', 'hello.c'],
    files: { 'hello.c': HELLO },
    shows: 'hello from the compiler',
  },
  {
    title: 'git',
    does: 'makes a repository, commits, merges, packs and looks at it',
    file: '/bin/sh',
    args: ['script'],
    files: { script: GIT },
    env: {
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@example.org',
      GIT_AUTHOR_DATE: '1000000000 +0000',
      GIT_COMMITTER_NAME: 'C',
      GIT_COMMITTER_EMAIL: 'c@example.org',
      GIT_COMMITTER_DATE: '1000000000 +0000',
      GIT_CONFIG_NOSYSTEM: '1',
    },
    status: 128,
    shows: /^\* {3}[0-9a-f]{40} A .* both$/m,
  },
  {
    title: 'openssl dgst',
    does: 'digests with every unit of the CPU it finds',
    file: '/usr/bin/openssl',
    args: ['dgst', '-sha3-256', '-hmac', 'key'],
    input: HELLO.repeat(1000),
    shows: 'SHA3-256(stdin)= 87124d6b',
  },
  {
    title: 'openssl speed',
    does: 'measures itself with timers and signals',
    file: '/usr/bin/openssl',
    args: ['speed', '-mr', '-seconds', '1', '-bytes', '1024', 'sha256'],
    varies: [times(/(?<=^\+R:)\d+|(?<=:)\d+\.\d+$/gm, 'N')],
    shows: /^\+F:\d+:sha256:N$/m,
  },
  {
    title: 'bc',
    does: 'computes 200 digits of pi',
    file: '/usr/bin/bc',
    args: ['-lq'],
    input: 'scale=200; 4*a(1)\n',
    env: { BC_LINE_LENGTH: '0' },
    shows: '3.14159265358979',
  },
  {
    title: 'npm',
    does: 'a script of Node: prints its version',
    file: join(dirname(process.execPath), 'npm'),
    args: ['--version'],
    shows: /^\d+\.\d+/,
  },
];
