/** The progress line, on a real terminal and elsewhere. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256, type TestServer, testServer } from '../support/http-server.ts';
import { quote, runForeign, SAMPLES, SHELL_COMMAND, sh, temporary } from '../support/run.ts';
import { drawn, onTerminal, screen } from '../support/terminal.ts';

const directory = temporary();
afterAll(directory.remove);

const HELLO = readFileSync(join(SAMPLES, 'elf/x86_64/hello-static'));
/** Two blocks, of which the second is waited for. */
const PROGRAM = Buffer.concat([HELLO, Buffer.alloc(500_000 - HELLO.length)]);
const GREETING = 'hello from elf x86_64 static';

let server: TestServer;
/** Sends what is held back. */
let release: () => void;
/** Milliseconds after which it is sent anyhow. */
let patience: number;
beforeEach(async () => {
  server = await testServer({ '/dir/hello': PROGRAM });
  release = () => {};
  patience = 30_000;
  server.misbehave = ({ request, response, number }, bytes) => {
    if (number === 0) return false;
    const [, from = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    holdBack(response, bytes, Number(from), Number(last) + 1);
    return true;
  };
});
afterEach(() => server.close());

/** Sends 100,000 bytes, and the rest when it is released. */
function holdBack(response: ServerResponse, bytes: Buffer, from: number, end: number): void {
  response.writeHead(206, {
    'Content-Range': `bytes ${from}-${end - 1}/${bytes.length}`,
    'Content-Length': end - from,
    ETag: '"one"',
  });
  response.write(bytes.subarray(from, from + 100_000));
  const timer = setTimeout(() => release(), patience);
  release = () => {
    clearTimeout(timer);
    response.end(bytes.subarray(from + 100_000, end));
  };
}

const url = (pin = sha256(PROGRAM)) => `${server.url}/dir/hello#sha256=${pin}`;
const releaseWhen = (expected: RegExp) => (text: string) => {
  if (expected.test(text)) release();
};
/** Long enough for the line to appear, where it did. */
const LONG = 1500;

describe('on a terminal', () => {
  test.each([
    ['the program starts', '', [GREETING, '']],
    ['a plan is shown', 'plan --json', undefined],
    ['a program is looked at', 'inspect', undefined],
  ])('bytes and rate stand there until %s', async (_, command, expected) => {
    const { status, written } = await onTerminal(`${SHELL_COMMAND} ${command} ${quote(url())}`, {
      onOutput: releaseWhen(/MB\/s|kB\/s/),
    });
    expect(status).toBe(0);
    expect(drawn(written)[0]).toMatch(/^hello: fetching {2}\[#+-+\] {2}362 of 500 kB, [\d.]+ [km]?B\/s$/i);
    expect(screen(written).join('\n')).not.toContain('fetching');
    if (expected !== undefined) expect(screen(written)).toEqual(expected);
  });

  test('until an error is shown', async () => {
    const { status, written } = await onTerminal(`${SHELL_COMMAND} ${quote(url('0'.repeat(64)))}`, {
      onOutput: releaseWhen(/B\/s/),
    });
    expect(status).toBe(126);
    expect(drawn(written).length).toBeGreaterThan(1);
    expect(screen(written)[0]).toMatch(/^run-foreign: .*SHA-256/);
    expect(screen(written)).toHaveLength(2);
  });

  test('in the width and with the characters that it has', async () => {
    const command = `stty cols 50; ${SHELL_COMMAND} ${quote(url())}`;
    const { written } = await onTerminal(command, {
      env: { LC_ALL: 'C.UTF-8', NO_COLOR: '' },
      onOutput: releaseWhen(/B\/s/),
    });
    const [line = ''] = drawn(written);
    expect(line).toMatch(/^hello: fetching {2}362 of 500 kB|^hello: fetching {2}━+─+/);
    expect(line.length).toBeLessThan(50);
    expect(screen(written)).toEqual([GREETING, '']);
  });

  test('for a pipe, without a bar', async () => {
    const path = join(directory.path, 'half');
    await sh(`head -c 2000000 /dev/zero >"$1"`, [path]);
    const slow = `{ cat elf/x86_64/hello-static ${quote(path)}; sleep 1; head -c 1 ${quote(path)}; }`;
    const { written } = await onTerminal(`${slow} | ${SHELL_COMMAND} -`);
    expect(drawn(written)[0]).toMatch(/^-: reading {2}2\.0 MB, [\d.]+ [kM]B\/s$/);
    expect(screen(written)).toEqual([GREETING, '']);
  });

  test('is not there for what starts at once', async () => {
    const packed = join(directory.path, 'packed');
    await sh(`cat >"$1"; chmod +x "$1"`, [packed], { input: gzipSync(HELLO).toString('latin1') });
    for (const program of ['elf/x86_64/hello-static', packed]) {
      const { written } = await onTerminal(`${SHELL_COMMAND} ${program}`);
      expect(written).toBe(`${GREETING}\r\n`);
    }
  });

  test('is not there on a dumb one', async () => {
    patience = LONG;
    const { written } = await onTerminal(`${SHELL_COMMAND} ${quote(url())}`, { env: { TERM: 'dumb' } });
    expect(written).toBe(`${GREETING}\r\n`);
  });
});

describe('elsewhere there is none', () => {
  test('in a pipe', async () => {
    patience = LONG;
    expect(await runForeign([url()])).toEqual({ status: 0, stdout: `${GREETING}\n`, stderr: '' });
  });

  test('in a file, with a terminal beside it', async () => {
    const file = join(directory.path, 'stderr');
    patience = LONG;
    const { written } = await onTerminal(`${SHELL_COMMAND} ${quote(url())} 2>${quote(file)}`);
    expect(written).toBe(`${GREETING}\r\n`);
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});
