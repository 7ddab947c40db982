/** Where `run-foreign seal` writes: what becomes of what is there, and what is left where it could not write. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { newKey, openedWith } from '../support/keys.ts';
import {
  COMMAND,
  NODE_HALF,
  NODE_PATH,
  type Outcome,
  quote,
  runForeign,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';
import { ELF, sealedFiles, UNPRIVILEGED } from '../support/seal-command.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY = await newKey(directory.path);
const { folder, program, programOf } = sealedFiles(directory);
const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };
const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

describe('the file', () => {
  const seal = (output: string, ...more: string[]) => [
    'seal',
    '/bin/true',
    '-r',
    KEY.recipient,
    '-o',
    output,
    ...more,
  ];

  test('has the mode that the umask leaves', async () => {
    const path = folder();
    const command = `${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o`;
    await sh(
      `umask 022; ${command} plain; ${command} started --executable
      umask 077; ${command} own; ${command} own-started --executable`,
      [],
      { cwd: path },
    );
    const modes = Object.fromEntries(readdirSync(path).map((name) => [name, modeOf(join(path, name))]));
    expect(modes).toEqual({ plain: '644', started: '755', own: '600', 'own-started': '700' });
  });

  test('that is there is not replaced without --force', async () => {
    const output = program(Buffer.from('mine'), 'taken');
    const { status, stderr } = await runForeign(seal(output));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `run-foreign: ${output}: is there already; to replace it, add --force\n`,
    });
    expect(readFileSync(output, 'utf8')).toBe('mine');
    expect(await runForeign(seal(output, '-f'))).toEqual(QUIET);
    expect((await openedWith(KEY, readFileSync(output))).equals(ELF)).toBe(true);
    expect(readdirSync(join(output, '..'))).toEqual(['taken']);
  });

  test('that comes while it is written is not replaced either', async () => {
    const output = join(folder(), 'sealed');
    const child = spawn(COMMAND, ['seal', '-', '-r', KEY.recipient, '-o', output], {
      env: { PATH: NODE_PATH },
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdin.write(programOf(4_000_000));
    await partOf(output);
    writeFileSync(output, 'somebody else');
    child.stdin.end();
    const [status] = await once(child, 'close');
    expect(stderr).toContain('is there already');
    expect(status).toBe(2);
    expect(readFileSync(output, 'utf8')).toBe('somebody else');
    expect(readdirSync(join(output, '..'))).toEqual(['sealed']);
  });

  test('can be the program itself, which is read before it is replaced', async () => {
    const path = program(programOf(500_000));
    expect((await runForeign(['seal', path, '-r', KEY.recipient, '-o', path])).status).toBe(2);
    expect(await runForeign(['seal', path, '-r', KEY.recipient, '-o', path, '-f'])).toEqual(QUIET);
    expect((await openedWith(KEY, readFileSync(path))).equals(programOf(500_000))).toBe(true);
  });

  test('takes the place of a symbolic link, not of what that leads to', async () => {
    const target = program(Buffer.from('mine'), 'target');
    const link = join(target, '..', 'link');
    symlinkSync('target', link);
    expect((await runForeign(seal(link))).stderr).toContain('is there already');
    expect(await runForeign(seal(link, '--force'))).toEqual(QUIET);
    expect(lstatSync(link).isFile()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('mine');
  });

  test.each(['/dev/null', '/dev/fd', '/'])('is never put in the place of %s', async (path) => {
    const before = statSync(path).ino;
    const { status, stderr } = await runForeign(seal(path, '--force'));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `run-foreign: ${path}: is there already, and is no regular file\n`,
    });
    expect(statSync(path).ino).toBe(before);
  });

  test('is not written to a terminal', async () => {
    const command = `${quote(COMMAND)} seal /bin/true -r ${KEY.recipient} -o -`;
    const { stdout } = await sh('script -qec "$1" /dev/null', [command]);
    expect(stdout).toMatch(/^run-foreign: standard output: is a terminal/);
    expect(stdout).not.toContain('age-encryption.org');
  });
});

describe('where it cannot be written nothing is left', () => {
  test.each([
    ['no such directory', 'nowhere/sealed', 'ENOENT'],
    ['no directory', 'file/sealed', 'ENOTDIR'],
    ['a name that is too long', 'x'.repeat(300), 'ENAMETOOLONG'],
  ])('%s', async (_, name, errno) => {
    const path = folder();
    writeFileSync(join(path, 'file'), '');
    const outcome = await runForeign(['seal', '/bin/true', '-r', KEY.recipient, '-o', name], { cwd: path });
    expect(outcome).toMatchObject({ status: 125, stdout: '' });
    expect(outcome.stderr).toBe(`run-foreign: ${name}: cannot be written: ${errno}\n`);
    expect(readdirSync(path)).toEqual(['file']);
  });

  test('a directory that this user may not write to', async () => {
    const path = folder();
    chmodSync(path, 0o555);
    const command = `${UNPRIVILEGED} ${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o sealed`;
    const { status, stderr } = await sh(command, [], { cwd: path });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'run-foreign: sealed: cannot be written: EACCES\n',
    });
  });

  test('a file that may not grow so large', async () => {
    const path = folder();
    const input = program(programOf(1_000_000));
    const command = `ulimit -f 100; ${SHELL_COMMAND} seal ${quote(input)} -r ${KEY.recipient} -o sealed`;
    const { status, stderr } = await sh(command, [], { cwd: path });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'run-foreign: sealed: cannot be written: EFBIG\n',
    });
    expect(readdirSync(path)).toEqual([]);
  });

  test('a pipe that nobody reads', async () => {
    const input = program(programOf(1_000_000));
    const command = `{ ${SHELL_COMMAND} seal ${quote(input)} -r ${KEY.recipient} -o -; echo $? >&2; } | :`;
    const { stderr } = await sh(command);
    expect(stderr).toBe('run-foreign: standard output: cannot be written: EPIPE\n125\n');
  });

  test('standard streams that are closed', async () => {
    const command = `${SHELL_COMMAND} seal - -r ${KEY.recipient} -o`;
    const cwd = folder();
    const script = `: | ${command} - >&-; echo $? >&2; ${command} sealed <&-; echo $? >&2`;
    expect((await sh(script, [], { cwd })).stderr).toBe(
      'run-foreign: standard output: is not open\n2\nrun-foreign: -: standard input is not open\n127\n',
    );
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('a device that is full', async () => {
    const { stderr } = await sh(`${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o - > /dev/full`);
    expect(stderr).toBe('run-foreign: standard output: cannot be written: ENOSPC\n');
  });

  test.each([
    ['SIGINT', COMMAND, []],
    ['SIGTERM', COMMAND, []],
    ['SIGHUP', COMMAND, []],
    ['SIGKILL', COMMAND, []],
    ['SIGINT', process.execPath, [NODE_HALF]],
  ] as const)('interrupted by %s: %s', async (signal, command, args) => {
    const output = join(folder(), 'sealed');
    const child = spawn(command, [...args, 'seal', '-', '-r', KEY.recipient, '-o', output], {
      env: { PATH: NODE_PATH },
    });
    child.stdin.on('error', () => {});
    child.stdin.write(programOf(4_000_000));
    await partOf(output);
    child.kill(signal);
    const [, by] = await once(child, 'exit');
    expect(by).toBe(signal);
    // Where the launcher was hit its Node cleans up, and may need a moment.
    while (readdirSync(join(output, '..')).length > 0) await setTimeout(5);
    child.stdin.destroy();
  });
});

/** Waits until something was written for `output` under another name. */
async function partOf(output: string): Promise<void> {
  const path = join(output, '..');
  for (;;) {
    const [part] = readdirSync(path);
    if (part !== undefined && statSync(join(path, part)).size > 100_000) return;
    await setTimeout(5);
  }
}
