/**
 * Programs for other machines and Java archives, run by the real QEMU and the real java; and a WASI command as a compiler
 * makes it, whose libc chooses among the directories that it sees.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { AARCH64, PPC, RISCV64, STATUS, writeForeignElf } from '../support/foreign-elf.ts';
import { COMMAND, run, runForeign, temporary } from '../support/run.ts';
import { writeZip } from '../support/zip-writer.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

test.each([AARCH64, RISCV64, PPC])('a program for $name prints its argv[0] and ends', async (machine) => {
  const path = file(machine.name, writeForeignElf(machine));
  expect(await runForeign([path])).toEqual({ status: STATUS, stdout: path, stderr: '' });
  expect(await runForeign(['--argv0=-a b', path, 'x'])).toMatchObject({ status: STATUS, stdout: '-a b' });
});

/**
 * A JVM starts in 30 ms to seconds. That java takes the archive is seen by what it says of a class that is not there:
 * no compiler is needed.
 */
test('java looks for the main class in the archive, also behind a #! line', { timeout: 60_000 }, async () => {
  const manifest = 'Manifest-Version: 1.0\r\nMain-Class: no.such.Main\r\n\r\n';
  const { bytes } = writeZip([{ name: 'META-INF/MANIFEST.MF', content: manifest, deflated: true }]);
  const own = Buffer.concat([Buffer.from(`#!${COMMAND}\n`), bytes]);
  const outcomes = [
    await runForeign([file('hello.jar', bytes)], { timeout: 50_000 }),
    await run(file('own.jar', own), [], { timeout: 50_000 }),
  ];
  for (const { status, stderr } of outcomes) {
    expect(stderr).toMatch(/Could not find or load main class no\.such\.Main/);
    expect(status).toBe(1);
  }
});

const PRINT_FILES = `
  #include <stdio.h>
  int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
      char line[80] = "cannot be opened\\n";
      FILE *file = fopen(argv[i], "r");
      if (file) fgets(line, sizeof line, file);
      printf("%s: %s", argv[i], line);
    }
    return 3;
  }`;

test('a WASI command of clang finds files as a native program does', async () => {
  const source = join(directory.path, 'print.c');
  const program = join(directory.path, 'print');
  writeFileSync(source, PRINT_FILES);
  execFileSync('clang', ['--target=wasm32-wasi', '--sysroot=/usr', '-o', program, source]);
  chmodSync(program, 0o755);
  const cwd = realpathSync(directory.path);
  mkdirSync(join(cwd, 'lib'));
  for (const name of ['here', 'lib/there']) writeFileSync(join(cwd, name), 'found\n');
  const paths = ['here', './here', 'lib/there', join(cwd, 'here'), `../${basename(cwd)}/here`];
  const outcome = await runForeign([program, ...paths, 'missing'], { cwd });
  const lines = [...paths.map((path) => `${path}: found\n`), 'missing: cannot be opened\n'];
  expect(outcome).toEqual({ status: 3, stdout: lines.join(''), stderr: '' });
  const narrow = await runForeign(
    ['--loader-opt', `wasm.dir=${cwd}/lib::/data`, program, '/data/there', 'here'],
    {
      cwd,
    },
  );
  expect(narrow.stdout).toBe('/data/there: found\nhere: cannot be opened\n');
});
