/** binfmt_misc of a user namespace: what is registered with it starts by itself, from whoever starts it. */
import { afterAll, describe, expect, test } from 'vitest';
import { ownBinfmt } from '../support/binfmt.ts';
import { AARCH64, STATUS, writeForeignElf } from '../support/foreign-elf.ts';
import { quote, temporary } from '../support/run.ts';
import { TOY_LOADER, toyProgram } from '../support/toy.ts';

const LIMIT = 90_000;
const directory = temporary();
afterAll(directory.remove);
const SAMPLES = [
  'aout/hello-qmagic',
  'aout/tally-qmagic',
  'aout/hello-zmagic',
  'ape/tally',
  'wasm/hello',
  'gzip/tally-static.gz',
  'inputs/words.txt',
];
const { script, command } = ownBinfmt(directory, SAMPLES);
const HELLO = 'hello from a.out QMAGIC\n';
const complaint = (name: string) => `${name}: /none: cannot open (errno 2)\n`;

describe('a program that is registered', () => {
  test('just runs, from whatever starts it', { timeout: LIMIT }, async () => {
    directory.file('Makefile', 'all:\n\t@./hello-qmagic\n');
    const { stdout, stderr, status } = await script(`
      ./hello-qmagic; echo "before: $?"
      rf register aout > /dev/null
      ./hello-qmagic
      dash -c ./hello-qmagic
      dash -c 'exec ./hello-qmagic'
      make -s
      env -i ./hello-qmagic
      env -i PATH=/none ./hello-qmagic
      PATH=$PWD:$PATH hello-qmagic
      find . -name hello-qmagic -exec {} \\;
      echo x | xargs -n 1 ./hello-qmagic
      perl -e 'exec {"./hello-qmagic"} "a name"'
      setpriv --bounding-set=-all --inh-caps=-all --no-new-privs ./hello-qmagic
      unshare -U ./hello-qmagic
      $nobody ./hello-qmagic
    `);
    expect(stderr).toMatch(
      /^\/bin\/bash: line \d+: \.\/hello-qmagic: cannot execute binary file: Exec format error\n$/,
    );
    expect(stdout).toBe(`before: 126\n${HELLO.repeat(13)}`);
    expect(status).toBe(0);
  });

  test('is not mounted for what cannot be registered', { timeout: LIMIT }, async () => {
    const { stdout, stderr, status } = await script(`
      grep -c binfmt_misc /proc/mounts
      rf register elf manifest
      code=$?
      grep -c binfmt_misc /proc/mounts
      exit $code
    `);
    expect(stdout).toBe('0\n0\n');
    expect(stderr).toMatch(/elf cannot be registered.*\n.*manifest cannot be registered/);
    expect(status).toBe(1);
  });

  test('has the argv[0] that the caller gave', { timeout: LIMIT }, async () => {
    const { stderr } = await script(`
      rf register aout > /dev/null
      ./tally-qmagic /none
      (exec -a NAME ./tally-qmagic /none)
      (exec -a '' ./tally-qmagic /none)
      PATH=$PWD tally-qmagic /none
      cp tally-qmagic plan; /usr/bin/python3 -c 'import os; os.execv("plan", ["plan", "/none"])'
      /usr/bin/python3 -c 'import os; os.execv("plan", ["--help", "/none"])'
    `);
    const names = ['tally-qmagic', 'NAME', '', 'tally-qmagic', 'plan', '--help'];
    expect(stderr).toBe(names.map(complaint).join(''));
  });

  test('has its arguments, its environment and its streams, and its own name in /proc', {
    timeout: LIMIT,
  }, async () => {
    const { stdout } = await script(`
      rf register aout > /dev/null
      cp words.txt 'two words'
      ./tally-qmagic 'two words' words.txt
      TALLY_LABEL=label ./tally-qmagic - < words.txt
      (sleep 2 | exec -a 'a name' ./tally-qmagic - x) & sleep 1
      pid=$(pgrep -x tally-qmagic)
      tr '\\0' '|' < /proc/$pid/cmdline; echo
      readlink /proc/$pid/exe
      wait
    `);
    expect(stdout).toContain('3 6 30 two words\n3 6 30 words.txt\n6 12 60 total\n');
    expect(stdout).toContain('label: 3 6 30');
    expect(stdout).toContain(`a name|-|x|\n${directory.path}/tally-qmagic\n`);
  });

  test('gets no privileges from its file, and must be readable', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rf register aout > /dev/null
      cp tally-qmagic raising; chown 4321 raising; chmod 6755 raising
      (sleep 2 | $nobody ./raising -) & sleep 1
      grep -E '^[UG]id' /proc/$(pgrep -x raising)/status
      wait
      setpriv --ruid=1234 ./hello-qmagic; echo "$?"
      cp tally-qmagic unreadable; chmod 711 unreadable; $nobody ./unreadable; echo "$?"
    `);
    expect(stdout).toBe('Uid:\t1234\t1234\t1234\t1234\nGid:\t1234\t1234\t1234\t1234\n0 0 0 -\n126\n126\n');
    expect(stderr).toMatch(
      /^run-foreign: started by a program with more privileges than its user has, .*: EPERM\n/,
    );
    expect(stderr).toMatch(/unreadable: permission denied; run-foreign must be able to read it/);
  });

  test('is started without Node when it is started again', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      export XDG_CACHE_HOME=$PWD/cache; mkdir cache
      rf register aout > /dev/null
      sleep 2.2
      ./hello-qmagic
      rm /usr/local/bin/node; mount --bind /dev/null ${quote(process.execPath)}
      mount --bind /dev/null /usr/bin/node
      PATH=/none ./hello-qmagic
      cp hello-qmagic another; PATH=/none /bin/sh -c ./another; echo $?
    `);
    expect(stdout).toBe(`${HELLO}${HELLO}125\n`);
    expect(stderr).toContain('there is no node in PATH');
  });

  test('may be in any of the formats that were named', { timeout: LIMIT }, async () => {
    directory.file('aarch64', writeForeignElf(AARCH64));
    const { stdout, stderr } = await script(`
      rf register ape wasm gzip qemu > /dev/null
      ./tally words.txt
      ./hello
      ./tally-static.gz words.txt
      (exec -a 'a name' ./aarch64); echo ": $?"
      /bin/true; sh -c 'echo native'
    `);
    expect(stderr).toBe('');
    expect(stdout).toContain('3 6 30 words.txt\n');
    expect(stdout.match(/3 6 30 words\.txt/g)).toHaveLength(2);
    expect(stdout).toMatch(new RegExp(`a name: ${STATUS}\nnative\n$`));
  });
});

describe('a program that needs more than its file', () => {
  test('sealed: keys come from the environment', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      age-keygen -o key 2> /dev/null
      ${quote(command)} seal tally-qmagic -r "$(age-keygen -y key)" -o sealed && chmod 755 sealed
      rf register age > /dev/null
      ./sealed words.txt; echo "$?"
      RUN_FOREIGN_IDENTITY=key ./sealed words.txt
    `);
    expect(stderr).toMatch(/^run-foreign: \.\/sealed: is sealed for 1 recipient .*\n$/);
    expect(stdout).toBe('126\n3 6 30 words.txt\n');
  });

  test('a checkpoint: it goes on', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rf register core > /dev/null
      sleep 20 < /dev/null > /dev/null 2>&1 & sleeper=$!; sleep 0.5
      ${quote(command)} checkpoint $sleeper -o sleeping.core --kill --skip pipes && chmod 755 sleeping.core
      ./sleeping.core < /dev/null & sleep 1.5; kill $!; wait $!; echo "went on until $?"
    `);
    expect(stdout, stderr).toMatch(/went on until 143\n$/);
  });

  test('of a loader from elsewhere: who starts it names that', { timeout: LIMIT }, async () => {
    directory.file('toy.ts', TOY_LOADER);
    directory.file('toy', toyProgram('a toy\n'));
    const { stdout, stderr } = await script(`
      export XDG_CACHE_HOME=$PWD/loaders
      rf register toy --loader ./toy.ts
      ./toy; echo "$?"
      RUN_FOREIGN_LOADERS=$PWD/toy.ts ./toy; echo "$?"
    `);
    expect(stderr).toMatch(
      /its loader comes from .*toy\.ts; who starts such programs needs it in RUN_FOREIGN_LOADERS/,
    );
    expect(stdout).toMatch(/^mounted .*\ntoy: 1 magic registered; .*\n126\na toy\n7\n$/);
  });
});
