/** `run-foreign unseal`: exactly what was sealed, or nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armor, Encrypter } from 'age-encryption';
import { afterAll, describe, expect, test } from 'vitest';
import { newKey } from '../support/keys.ts';
import {
  COMMAND,
  NODE_HALF,
  type Outcome,
  quote,
  runForeign,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';
import { onTerminal } from '../support/typing.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY = await newKey(directory.path);
const OTHER = await newKey(directory.path);
const STRONG = await newKey(directory.path, 'hybrid');

const CHUNK = 65_536;
const SEALED_CHUNK = CHUNK + 16;
const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };

/** No two chunks are the same. */
function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size, 'a program ');
  for (let at = 0; at + 4 <= size; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** Sealed by somebody else. */
async function sealedBy(bytes: Uint8Array, ...recipients: string[]): Promise<Buffer> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(bytes));
}

let folders = 0;
function folder(): string {
  const path = join(directory.path, `folder-${++folders}`);
  mkdirSync(path);
  return path;
}

function file(bytes: Uint8Array): string {
  const path = join(folder(), 'sealed');
  writeFileSync(path, bytes);
  return path;
}

async function unsealed(path: string, key = KEY) {
  const output = join(folder(), 'program');
  const outcome = await runForeign(['unseal', path, '-i', key.file, '-o', output]);
  return { outcome, output, names: readdirSync(join(output, '..')) };
}

describe('what comes out is what was sealed', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 3_000_000])('%i bytes', async (size) => {
    const bytes = bytesOf(size);
    const { outcome, output, names } = await unsealed(file(await sealedBy(bytes, KEY.recipient)));
    expect({ outcome, names }).toEqual({ outcome: QUIET, names: ['program'] });
    expect(readFileSync(output).equals(bytes)).toBe(true);
  });

  test('for a post-quantum key', async () => {
    const { output } = await unsealed(file(await sealedBy(bytesOf(99), STRONG.recipient)), STRONG);
    expect(readFileSync(output).equals(bytesOf(99))).toBe(true);
  });

  test('through pipes', async () => {
    const bytes = bytesOf(300_000);
    const { stdout, ...outcome } = await runForeign(['unseal', '-i', KEY.file, '-', '-o', '-'], {
      input: (await sealedBy(bytes, KEY.recipient)).toString('latin1'),
    });
    expect(outcome).toEqual({ status: 0, stderr: '' });
    expect(Buffer.from(stdout, 'latin1').equals(bytes)).toBe(true);
  });

  test('behind a #! line, in armor, and in armor behind a line', async () => {
    const bytes = bytesOf(200_000);
    const binary = await sealedBy(bytes, KEY.recipient);
    const text = Buffer.from(armor.encode(binary));
    const line = Buffer.from('#!/somewhere/else/run-foreign -i key\n');
    for (const form of [Buffer.concat([line, binary]), text, Buffer.concat([line, text])]) {
      const { outcome, output } = await unsealed(file(form));
      expect(outcome).toEqual(QUIET);
      expect(readFileSync(output).equals(bytes)).toBe(true);
    }
  });

  test('with the key from the environment, from standard input, and among others', async () => {
    const path = file(await sealedBy(bytesOf(99), KEY.recipient));
    const command = `${SHELL_COMMAND} unseal ${quote(path)} -o -`;
    const script = `RUN_FOREIGN_IDENTITY=${KEY.file} ${command}; ${command} -i - < ${KEY.file}
      ${command} -i ${OTHER.file} -i ${KEY.file}`;
    const { stdout, stderr } = await sh(script);
    expect(stderr).toBe('');
    expect(stdout).toBe(bytesOf(99).toString('latin1').repeat(3));
  });

  test('for its owner alone, and to be executed', async () => {
    const path = file(await sealedBy(bytesOf(99), KEY.recipient));
    const command = `${SHELL_COMMAND} unseal ${quote(path)} -i ${KEY.file} -o`;
    const cwd = folder();
    await sh(`umask 022; ${command} usual; umask 0177; ${command} odd`, [], { cwd });
    const mode = (name: string) => (lstatSync(join(cwd, name)).mode & 0o7777).toString(8);
    expect([mode('usual'), mode('odd')]).toEqual(['700', '600']);
  });
});

describe('damage is found, and no file written', async () => {
  const SIZE = 3 * CHUNK + 1000;
  const good = await sealedBy(bytesOf(SIZE), KEY.recipient, OTHER.recipient);
  const payload = good.length - SIZE - 4 * 16;
  const chunk = (index: number) => good.subarray(payload + index * SEALED_CHUNK).subarray(0, SEALED_CHUNK);
  const head = good.subarray(0, payload);
  const flipped = (at: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };
  const short = await sealedBy(bytesOf(10), KEY.recipient);
  const whole = await sealedBy(bytesOf(2 * CHUNK), KEY.recipient);

  test.each<[string, Uint8Array]>([
    ['the version', flipped(20)],
    ['a stanza', flipped(good.indexOf('-> X25519') + 20)],
    ['a wrapped key', flipped(good.indexOf('\n', good.indexOf('-> X25519')) + 5)],
    ['the MAC', flipped(good.indexOf('\n---') + 8)],
    ['the nonce', flipped(payload - 1)],
    ...[0, 1, 2, 3].flatMap((index): [string, Buffer][] => [
      [`the first byte of chunk ${index}`, flipped(payload + index * SEALED_CHUNK)],
      [`the tag of chunk ${index}`, flipped(Math.min(payload + (index + 1) * SEALED_CHUNK, good.length) - 1)],
    ]),
    ['cut in the header', good.subarray(0, 100)],
    ['cut behind the header', good.subarray(0, payload - 16)],
    ['cut behind the nonce', head],
    ...[1, 2, 3].map((count): [string, Buffer] => [
      `cut behind chunk ${count - 1}`,
      good.subarray(0, payload + count * SEALED_CHUNK),
    ]),
    ['cut behind a chunk that is full, and not final', whole.subarray(0, -SEALED_CHUNK)],
    ['cut in a chunk', good.subarray(0, payload + SEALED_CHUNK + 500)],
    ['cut in a tag', good.subarray(0, payload + SEALED_CHUNK + 7)],
    ['a byte less', good.subarray(0, -1)],
    ['a byte more', Buffer.concat([good, Buffer.of(0)])],
    ['a chunk behind the final one', Buffer.concat([good, chunk(0)])],
    ['an empty chunk behind the final one', Buffer.concat([whole, short.subarray(-16)])],
    ['chunks in another order', Buffer.concat([head, chunk(1), chunk(0), chunk(2), chunk(3)])],
    ['a chunk twice', Buffer.concat([head, chunk(0), chunk(0), chunk(2), chunk(3)])],
    ['a chunk missing', Buffer.concat([head, chunk(0), chunk(2), chunk(3)])],
    ['the header of another file', Buffer.concat([short.subarray(0, -26), good.subarray(payload)])],
  ])('%s', async (_, bytes) => {
    const { outcome, names } = await unsealed(file(bytes));
    expect(outcome).toMatchObject({ status: 126, stdout: '' });
    expect(outcome.stderr).toMatch(/^run-foreign: [^\n]+\n$/);
    expect(names).toEqual([]);
  });

  test('to a pipe goes what was found authentic before, and no more', async () => {
    const bytes = bytesOf(40 * CHUNK);
    const sealed = await sealedBy(bytes, KEY.recipient);
    const at = sealed.length - 5 * SEALED_CHUNK;
    sealed[at] = (sealed[at] ?? 0) ^ 1;
    const { status, stdout, stderr } = await runForeign(['unseal', file(sealed), '-i', KEY.file, '-o', '-']);
    expect(status).toBe(126);
    expect(stderr).toContain(`(file offset 0x${at.toString(16)}, chunk = 36, 65552 bytes)`);
    expect(stdout).not.toBe('');
    expect(stdout.length).toBeLessThanOrEqual(35 * CHUNK);
    expect(bytes.toString('latin1').startsWith(stdout)).toBe(true);
  });
});

describe('refused', () => {
  test('what is not sealed', async () => {
    for (const bytes of [readFileSync('/bin/true'), Buffer.alloc(0), Buffer.from('#!/bin/sh\n')]) {
      const { outcome, names } = await unsealed(file(bytes));
      expect(outcome).toMatchObject({ status: 126, stdout: '' });
      expect(outcome.stderr).toMatch(/: is not sealed: it does not begin as age files do\n$/);
      expect(names).toEqual([]);
    }
  });

  test('without a key, and with one that does not fit', async () => {
    const path = file(await sealedBy(bytesOf(99), KEY.recipient));
    const without = await runForeign(['unseal', path, '-o', '-']);
    expect(without).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringContaining('there is no key'),
    });
    const { outcome, names } = await unsealed(path, OTHER);
    expect(outcome).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringContaining(OTHER.recipient),
    });
    expect(names).toEqual([]);
  });

  test('a file and its key through the same pipe', async () => {
    const outcome = await runForeign(['unseal', '-', '-i', '-', '-o', '-']);
    const stderr = 'run-foreign: the program and its key cannot both come from standard input\n';
    expect(outcome).toEqual({ status: 2, stdout: '', stderr });
  });

  test('a file that is there', async () => {
    const path = file(await sealedBy(bytesOf(99), KEY.recipient));
    const args = ['unseal', path, '-i', KEY.file, '-o', path];
    const { status, stderr } = await runForeign(args);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `run-foreign: ${path}: is there already; to replace it, add --force\n`,
    });
    expect(await runForeign([...args, '--force'])).toEqual(QUIET);
    expect(readFileSync(path).equals(bytesOf(99))).toBe(true);
  });

  test('a terminal', async () => {
    const path = file(await sealedBy(bytesOf(99), KEY.recipient));
    const { shown } = await onTerminal([COMMAND, 'unseal', path, '-i', KEY.file, '-o', '-']);
    expect(shown).toMatch(/^run-foreign: standard output: is a terminal[^\n]*\n$/);
  });

  test('armor of more than --max-size', async () => {
    const path = file(Buffer.from(armor.encode(await sealedBy(bytesOf(300_000), KEY.recipient))));
    const args = ['unseal', path, '-i', KEY.file, '-o', '-', '--max-size'];
    expect(await runForeign([...args, '100K'])).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringContaining('--max-size'),
    });
    expect(await runForeign([...args, '1M'])).toMatchObject({ status: 0, stderr: '' });
  });
});

/** 300 MB through a pipe, each way. */
test('memory does not grow with the program', async () => {
  const PIECE = Buffer.alloc(1_000_000, 'program ');
  const PIECES = 300;
  const seal = spawn(process.execPath, [NODE_HALF, 'seal', '-', '-r', KEY.recipient, '-o', '-']);
  const unseal = spawn(process.execPath, [NODE_HALF, 'unseal', '-', '-i', KEY.file, '-o', '-']);
  seal.stdout.pipe(unseal.stdin);
  let received = 0;
  unseal.stdout.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  const closed = once(unseal, 'close');
  const peaks: number[][] = [];
  for (let piece = 1; piece <= PIECES; piece++) {
    if (!seal.stdin.write(PIECE)) await once(seal.stdin, 'drain');
    if (piece === 30 || piece === PIECES) peaks.push([seal.pid, unseal.pid].map(peakOf));
  }
  seal.stdin.end();
  expect(await closed).toEqual([0, null]);
  expect(received).toBe(PIECES * PIECE.length);
  const [early = [], late = []] = peaks;
  for (const [index, peak] of late.entries()) expect(peak - (early[index] ?? 0)).toBeLessThan(64 * 1024);
});

/** The most memory that a process has had so far, KiB (proc(5), VmHWM). */
function peakOf(pid: number | undefined): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
