/**
 * `#!` files: every script does under run-foreign what it does when the kernel starts it, down to where
 * the kernel refuses it; and run-foreign itself stands on such a line.
 */
import { chmodSync, closeSync, openSync, readFileSync, readSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Identity, readIdentity, startAndSettle, withoutPrivilege } from '../support/proc.ts';
import { COMMAND, NODE_PATH, run, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { view } from './identity-view.ts';

const directory = temporary();
afterAll(() => directory.remove());

function script(name: string, text: string): string {
  const path = join(directory.path, name);
  writeFileSync(path, Buffer.from(text, 'latin1'));
  chmodSync(path, 0o755);
  return path;
}

/** What the kernel makes of a file: how the program ended, or the name of the error. */
async function natively(path: string, args: readonly string[]) {
  try {
    return (await isNoProgram(path)) ? 'ENOEXEC' : await run(path, args);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/**
 * Whether execve answers ENOEXEC. execvp(3), which Node starts programs with, hides that: it hands the file
 * to a shell. So the file is made the interpreter of another, which the shell then gets to see.
 */
async function isNoProgram(path: string): Promise<boolean> {
  const wrapper = script(`${basename(path)}-wrapper`, `#!${path}\necho handed to a shell\n`);
  const outcome = await run(wrapper).catch(() => undefined);
  return outcome?.stdout === 'handed to a shell\n';
}

/** The same outcome as natively; where the kernel refuses, one line and a status of 126 or 127. */
async function expectAsNatively(path: string, args: readonly string[] = ['one', '', '--three']) {
  const [native, foreign] = await Promise.all([natively(path, args), runForeign([path, ...args])]);
  if (typeof native !== 'string') {
    expect(foreign).toEqual(native);
    return;
  }
  expect(foreign.stdout, native).toBe('');
  expect(foreign.stderr).toMatch(/^run-foreign: [^\n]+\n$/);
  expect([126, 127]).toContain(foreign.status);
}

const SHOW = 'cat "/proc/$$/cmdline" "/proc/$$/comm"; exit 7\n';
const long = (length: number) => 'x'.repeat(length);

const SCRIPTS: Record<string, string> = {
  'a plain one': `#!/bin/sh\n${SHOW}`,
  'with one argument': `#!/bin/sh -e\n${SHOW}`,
  'with blanks around everything': `#! \t /bin/sh  \t -e \t \n${SHOW}`,
  'whose argument holds blanks': '#!/bin/echo one  argument with\tblanks  \n',
  'without a newline at the end': '#!/bin/echo',
  'without a newline, with an argument': '#!/bin/echo argument',
  'with CRLF at the end of its line': `#!/bin/sh\r\n${SHOW}`,
  'with CR after its argument': '#!/bin/echo argument\r\n',
  'with a missing interpreter': '#!/no/such/interpreter\n',
  'with a directory as its interpreter': '#!/bin\n',
  'with an interpreter that may not be executed': '#!/etc/passwd\n',
  'with nothing after the #!': '#!\n',
  'with nothing but blanks after the #!': '#! \t \n/bin/echo\n',
  'of two bytes': '#!',
  'with a relative interpreter': '#!bin/sh\nexit 3\n',
  'with a NUL in its line': '#!/bin/echo a\0b\n',
  'with a NUL instead of a newline': '#!/bin/echo\0\0\0',
  'whose interpreter fills the kernel’s buffer': `#!/${long(300)}\n`,
  'whose interpreter ends with the buffer': `#!/${long(253)}`,
  'whose argument is cut off by the buffer': `#!/bin/echo ${long(300)}\n`,
  'whose argument just fits': `#!/bin/echo ${long(255 - 12)}\n`,
  'whose argument is one byte too long': `#!/bin/echo ${long(256 - 12)}\n`,
  'whose argument is not UTF-8': '#!/bin/echo \xff\xfe\n',
  'with env -S': `#!/usr/bin/env -S VALUE=set /bin/sh -e\necho "$VALUE"; ${SHOW}`,
};

describe('a script', () => {
  test.concurrent.each(Object.entries(SCRIPTS))('%s', async (title, text) => {
    await expectAsNatively(script(title.replace(/\W/g, '-'), text));
  });

  test('found in PATH is known to its interpreter by its whole path', async () => {
    script('in-path', `#!/bin/echo\n`);
    const env = { PATH: `${directory.path}:/bin` };
    const outcome = await runForeign(['in-path', 'x'], { env });
    expect(outcome.stdout).toBe(`${join(directory.path, 'in-path')} x\n`);
  });

  test('that runs has the record of a natively started one, AT_EXECFN and all', async () => {
    const path = script('waiting-script', '#!/bin/sh -u\nread -r line\n');
    const [[native, nativeName], [foreign, foreignName]] = await Promise.all([
      look(path, ['argument']),
      look(COMMAND, [path, 'argument']),
    ]);
    expect(view(withoutPrivilege(foreign, native.exe))).toEqual(view(native));
    expect(foreignName).toBe(nativeName);
    expect(foreignName).toBe(path);
    expect(foreign.comm).toBe('waiting-script');
    expect(foreign.cmdline).toEqual(['/bin/sh', '-u', path, 'argument']);
  });
});

/** A living script's identity and its AT_EXECFN. */
async function look(file: string, args: readonly string[]): Promise<[Identity, string]> {
  const living = await startAndSettle(file, args);
  try {
    const identity = readIdentity(living.pid);
    return [identity, execfn(identity)];
  } finally {
    await living.stop();
  }
}

/** The string AT_EXECFN points to: the last one on the stack. */
function execfn(identity: Identity): string {
  const address = identity.auxv.find(([type]) => type === 31)?.[1] ?? 0n;
  const stack = identity.maps.find(({ name }) => name === '[stack]');
  const length = Number((stack?.end ?? 0n) - 8n - address - 1n);
  const bytes = Buffer.alloc(length);
  const memory = openSync(`/proc/${identity.pid}/mem`, 'r');
  readSync(memory, bytes, 0, length, address);
  closeSync(memory);
  return bytes.toString('latin1');
}

describe('scripts that name each other', () => {
  test('run five deep and are refused deeper, exactly as by the kernel', async () => {
    let interpreter = '/bin/echo';
    for (let depth = 1; depth <= 7; depth++) {
      const path = script(`nested-${depth}`, `#!${interpreter} level${depth}\n`);
      await expectAsNatively(path, ['end']);
      const { status, stderr } = await runForeign([path, 'end']);
      expect({ depth, status }).toEqual({ depth, status: depth <= 5 ? 0 : 126 });
      if (depth > 5) expect(stderr).toContain('ELOOP');
      interpreter = path;
    }
  });

  test('for ever are refused', async () => {
    const path = join(directory.path, 'circle');
    script('circle', `#!${path}\n`);
    await expectAsNatively(path);
  });
});

describe('run-foreign on a #! line', () => {
  const binary = readFileSync(join(SAMPLES, 'elf/x86_64/tally-static'));
  const args = ['inputs/words.txt'];
  const expected = { status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' };

  test.each([
    ['with an option', `#!${COMMAND} --format elf`],
    ['with an option and its value in one word', `#!${COMMAND} --format=elf`],
    ['with more than one option', `#!${COMMAND} --format elf --env MORE=1`],
    ['with blanks at the end', `#!${COMMAND}   `],
    ['by env -S', `#!/usr/bin/env -S ${COMMAND} --format elf`],
    ['by env -S and a variable', `#!/usr/bin/env -S A=b ${COMMAND}`],
  ])('%s runs the program behind it', async (title, line) => {
    const path = script(title.replace(/\W/g, '-'), `${line}\n${binary.toString('latin1')}`);
    expect(await run(path, args)).toEqual(expected);
    // Started by run-foreign, the line is taken off in the same way.
    expect(await runForeign([path, ...args])).toEqual(expected);
  });

  test('by a symbolic link of another name runs the program behind it', async () => {
    symlinkSync(COMMAND, join(directory.path, 'rf'));
    const path = script('by-link', `#!${join(directory.path, 'rf')}\n${binary.toString('latin1')}`);
    expect(await run(path, args)).toEqual(expected);
    expect(await runForeign([path, ...args])).toEqual(expected);
  });

  test('with a wrong option is refused with status 2', async () => {
    const path = script('wrong-option', `#!${COMMAND} --no-such-option\n${binary.toString('latin1')}`);
    const { status, stderr } = await run(path, args);
    expect(stderr).toMatch(/^run-foreign: [^\n]*no-such-option[^\n]*\n$/);
    expect(status).toBe(2);
  });

  test('with nothing after the line says so', async () => {
    const path = script('nothing-after', `#!${COMMAND}\n`);
    const { status, stderr } = await run(path, args);
    expect(stderr).toMatch(/^run-foreign: [^\n]*nothing-after[^\n]*empty\n$/);
    expect(status).toBe(126);
  });

  test('may lie inside itself eight times and no more', async () => {
    const nested = (depth: number) => `#!${COMMAND}\n`.repeat(depth) + binary.toString('latin1');
    expect(await runForeign([script('eight', nested(8)), ...args])).toEqual(expected);
    expect(await runForeign([script('nine', nested(9)), ...args])).toMatchObject({ status: 126, stdout: '' });
  });

  test('names a program that PATH finds, too', async () => {
    const path = script('in-path-program', `#!${COMMAND}\n${binary.toString('latin1')}`);
    const env = { PATH: `${directory.path}:${NODE_PATH}` };
    expect(await runForeign(['in-path-program', ...args], { env })).toEqual(expected);
    expect(path).toContain('in-path-program');
  });
});
