/** `child.result`: what it says of every way in which a program can end. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ForeignProcessError, type SpawnForeignOptions, spawnForeign } from '../../src/index.ts';
import { run } from '../support/run.ts';

async function fails(script: string, options: SpawnForeignOptions = {}): Promise<ForeignProcessError> {
  const child = await spawnForeign('sh', ['-c', script], options);
  const error: unknown = await child.result.catch((cause: unknown) => cause);
  if (!(error instanceof ForeignProcessError)) throw new Error(`${error} is no ForeignProcessError`);
  return error;
}

test('a program that succeeds', async () => {
  const child = await spawnForeign('sh', ['-c', 'printf "out\\n\\n"; printf "err\\r\\n" >&2'], { cwd: '/' });
  const result = await child.result;
  const { durationMs, pid, ...rest } = result;
  expect(rest).toEqual({
    command: 'sh -c printf "out\\n\\n"; printf "err\\r\\n" >&2',
    escapedCommand: `sh -c 'printf "out\\n\\n"; printf "err\\r\\n" >&2'`,
    cwd: '/',
    failed: false,
    timedOut: false,
    isCanceled: false,
    isMaxBuffer: false,
    isTerminated: false,
    exitCode: 0,
    signal: undefined,
    signalDescription: undefined,
    stdout: 'out\n',
    stderr: 'err',
  });
  expect(durationMs).toBeGreaterThan(0);
  expect(pid).toBe(child.pid);
  expect(child.result).toBe(child.result);
});

test('one that fails', async () => {
  const error = await fails('echo out; echo err >&2; exit 3');
  expect(error).toMatchObject({
    name: 'ForeignProcessError',
    failed: true,
    exitCode: 3,
    isTerminated: false,
    signal: undefined,
    stdout: 'out',
    stderr: 'err',
    originalMessage: undefined,
    shortMessage: "Command failed with exit code 3: sh -c 'echo out; echo err >&2; exit 3'",
  });
  expect(error.message).toBe(`${error.shortMessage}\nerr\nout`);
});

test('one that a signal ends', async () => {
  const error = await fails('kill -TERM $$');
  expect(error).toMatchObject({
    isTerminated: true,
    exitCode: undefined,
    signal: 'SIGTERM',
    signalDescription: 'Terminated',
    shortMessage: "Command was killed with SIGTERM (Terminated): sh -c 'kill -TERM $$'",
  });
});

test('a timeout', async () => {
  const error = await fails('echo first; exec sleep 60', { timeout: 100, killSignal: 'SIGINT' });
  expect(error).toMatchObject({ timedOut: true, isTerminated: true, signal: 'SIGINT', stdout: 'first' });
  expect(error.shortMessage).toMatch(/^Command timed out after \d+ milliseconds: /);
});

test('a program that ends by itself although it was told to', async () => {
  const error = await fails('trap "exit 0" TERM; while :; do sleep 0.01; done', { timeout: 100 });
  expect(error).toMatchObject({ timedOut: true, isTerminated: false, exitCode: 0 });
});

test('an AbortSignal', async () => {
  const abort = new AbortController();
  const failing = fails('exec sleep 60', { signal: abort.signal });
  await wait(50);
  abort.abort(new Error('no longer needed'));
  const error = await failing;
  expect(error).toMatchObject({ isCanceled: true, timedOut: false, signal: 'SIGTERM' });
  expect(error.shortMessage).toBe("Command was canceled: sh -c 'exec sleep 60'");
  expect(error.cause).toMatchObject({ name: 'AbortError', cause: abort.signal.reason });
});

test('an AbortSignal that is aborted afterwards changes nothing', async () => {
  const abort = new AbortController();
  const child = await spawnForeign('true', [], { signal: abort.signal });
  await child.result;
  abort.abort();
  expect(await child.result).toMatchObject({ failed: false, isCanceled: false });
});

test('more output than is wanted', async () => {
  const error = await fails('echo 123456789; exec sleep 60', { maxBuffer: 4 });
  expect(error).toMatchObject({ isMaxBuffer: true, signal: 'SIGTERM', stdout: '1234', stderr: '' });
  expect(error.shortMessage).toMatch(/^Command wrote more than 4 bytes to stdout: /);
  const exact = await (await spawnForeign('printf', ['1234'], { maxBuffer: 4 })).result;
  expect(exact).toMatchObject({ isMaxBuffer: false, stdout: '1234' });
});

test('an error as a result', async () => {
  const child = await spawnForeign('false', [], { reject: false });
  expect(await child.result).toBeInstanceOf(ForeignProcessError);
  expect(await child.result).toMatchObject({ failed: true, exitCode: 1 });
});

test('bytes', async () => {
  const child = await spawnForeign('printf', ['\\377\\n'], { encoding: 'buffer' });
  expect((await child.result).stdout).toEqual(Buffer.of(0xff, 0x0a));
  const text = await spawnForeign('printf', ['x\\n'], { stripFinalNewline: false });
  expect((await text.result).stdout).toBe('x\n');
});

test('text whose characters lie across pieces', async () => {
  const child = await spawnForeign('sh', ['-c', 'printf "\\303"; sleep 0.1; printf "\\244"']);
  expect((await child.result).stdout).toBe('ä');
});

test('streams that there are not', async () => {
  const child = await spawnForeign('echo', ['x'], { stdio: ['ignore', 'ignore', 'pipe'] });
  expect(await child.result).toMatchObject({ stdout: undefined, stderr: '' });
});

test('asked for when the program has ended long ago', async () => {
  const child = await spawnForeign('sh', ['-c', 'exit 4']);
  await new Promise((resolve) => child.once('close', resolve));
  await expect(child.result).rejects.toMatchObject({ exitCode: 4, stdout: '' });
});

test('a command as a shell takes it', async () => {
  const words = ["it's", 'two words', '', 'a\nb\x1b[2J\u0085', '$HOME', '\\', '~', '-x', 'ü'];
  const child = await spawnForeign('printf', ['%s|', ...words]);
  const { escapedCommand, stdout } = await child.result;
  expect(escapedCommand).not.toMatch(/\p{Cc}/u);
  const shell = await run('/bin/bash', ['-c', escapedCommand]);
  expect(Buffer.from(shell.stdout, 'latin1').toString()).toBe(stdout);
});
