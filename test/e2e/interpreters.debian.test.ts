/** Programs for other machines and Java archives, run by the real QEMU and the real java. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { AARCH64, PPC, RISCV64, STATUS, writeForeignElf } from '../support/foreign-elf.ts';
import { COMMAND, run, runForeign, temporary } from '../support/run.ts';
import { writeZip } from '../support/zip-writer.ts';

const directory = temporary();
afterAll(() => directory.remove());

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory.path, name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

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
