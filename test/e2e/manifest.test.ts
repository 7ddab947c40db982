/** Manifests through the command: what they name runs as they say, or nothing runs at all. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256, type TestServer, testServer } from '../support/http-server.ts';
import { minisig, signingKey } from '../support/minisign.ts';
import { identityOf, withoutPrivilege } from '../support/proc.ts';
import { expectRefusal } from '../support/refusal.ts';
import { COMMAND, NODE_PATH, run, runForeign, SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

const TALLY = join(SAMPLES, 'elf/x86_64/tally-static');
const WORDS = 'inputs/words.txt';
const COUNTED = `3 6 30 ${WORDS}\n`;
const read = (path: string) => readFileSync(join(SAMPLES, path));

const at = (name: string) => join(directory.path, name);

const manifestOf = (fields: object) => JSON.stringify({ 'run-foreign': 1, ...fields });

function manifest(name: string, fields: object): string {
  return file(name, manifestOf(fields));
}

describe('a manifest runs', () => {
  test('a program with arguments before the user’s', async () => {
    const path = manifest('args.json', { program: TALLY, args: [WORDS] });
    expect(await runForeign([path])).toEqual({ status: 0, stdout: COUNTED, stderr: '' });
    expect((await runForeign([path, WORDS])).stdout).toBe(`${COUNTED}${COUNTED}6 12 60 total\n`);
  });

  test('with variables that the caller does not have', async () => {
    const env = { GREETING: 'of the manifest', TALLY_LABEL: 'label' };
    const path = manifest('env.json', { program: TALLY, args: ['-e', 'GREETING'], env });
    const greeting = async (options: readonly string[], own: Record<string, string>) =>
      runForeign([...options, path, WORDS], { env: { PATH: NODE_PATH, ...own } });
    expect((await greeting([], {})).stdout).toBe(`of the manifest\nlabel: ${COUNTED}`);
    expect((await greeting([], { GREETING: '', TALLY_LABEL: 'own' })).stdout).toBe(`\nown: ${COUNTED}`);
    expect((await greeting(['--env', 'GREETING=x'], {})).stdout).toContain('x\n');
    expect((await greeting(['--unset-env', 'GREETING'], {})).stderr).toContain('GREETING: not set');
    expect((await greeting(['--unset-env', 'GREETING'], { GREETING: 'x' })).stderr).toContain('not set');
  });

  test('under the name that was typed, or its argv0, or the user’s', async () => {
    const usage = async (args: readonly string[]) => (await runForeign([...args, '-x'])).stderr;
    const plain = manifest('plain.json', { program: TALLY });
    expect(await usage([plain])).toContain('usage: plain.json ');
    const named = manifest('named.json', { program: TALLY, argv0: '/x/named' });
    expect(await usage([named])).toContain('usage: named ');
    expect(await usage(['--argv0', 'mine', named])).toContain('usage: mine ');
    const outer = manifest('outer.json', { program: named, argv0: 'outer' });
    expect(await usage([outer])).toContain('usage: outer ');
  });

  test('in the format it says, unless the user says another', async () => {
    const path = manifest('format.json', { program: TALLY, format: 'aout' });
    expectRefusal(await runForeign([path, WORDS]), 'is no Linux a.out program');
    expect((await runForeign(['--format', 'elf', path, WORDS])).stdout).toBe(COUNTED);
    const unknown = manifest('unknown.json', { program: TALLY, format: 'coff' });
    expectRefusal(await runForeign([unknown]), "names the format 'coff', for which there is no loader");
  });

  test('by its own #! line', async () => {
    file('bin/run-foreign', '');
    rmSync(at('bin/run-foreign'));
    symlinkSync(COMMAND, at('bin/run-foreign'));
    const path = file(
      'direct',
      `#!/usr/bin/env run-foreign\n${manifestOf({ program: TALLY, args: [WORDS] })}`,
    );
    const env = { PATH: `${at('bin')}:${NODE_PATH}` };
    expect(await run(path, [], { env })).toEqual({ status: 0, stdout: COUNTED, stderr: '' });
  });

  test('paths from where the file lies, wherever it is called from, also by a symbolic link', async () => {
    file('tools/lib/tally', readFileSync(TALLY));
    const path = manifest('tools/tally.json', { program: 'lib/tally', args: [join(SAMPLES, WORDS)] });
    mkdirSync(at('elsewhere/deep'), { recursive: true });
    symlinkSync('../tools/tally.json', at('elsewhere/link'));
    symlinkSync(at('elsewhere/link'), at('elsewhere/deep/link'));
    const gz = file('tools/tally.json.gz', gzipSync(readFileSync(path)));
    for (const [name, cwd] of [
      [path, '/'],
      ['./tally.json', at('tools')],
      ['../../tools/tally.json', at('elsewhere/deep')],
      [at('elsewhere/deep/link'), '/'],
      [gz, '/'],
    ] as const)
      expect((await runForeign([name], { cwd })).stdout, name).toBe(`3 6 30 ${join(SAMPLES, WORDS)}\n`);
    const found = await runForeign(['tally.json'], {
      cwd: '/',
      env: { PATH: `${at('tools')}:${NODE_PATH}` },
    });
    expect(found.status).toBe(0);
  });

  test('never what PATH or a descriptor has under its name', async () => {
    for (const program of ['ls', '-', 'fd:0']) {
      const outcome = await runForeign([manifest('bare.json', { program })], { input: 'x' });
      expectRefusal(outcome, `its program ${at(program)}: no such file`, 127);
    }
  });

  test('a script, whose interpreter gets the script’s own name', async () => {
    const script = file('script', '#!/bin/sh\necho "$0" "$@"\n');
    const path = manifest('script.json', { program: 'script', args: ['a'], argv0: 'nobody sees it' });
    expect((await runForeign([path, 'b'])).stdout).toBe(`${script} a b\n`);
  });

  test('as what the user named, with the file of the program as exe', async () => {
    const path = manifest('whoami.json', { program: TALLY, args: ['-'], env: { A: '1' } });
    const identity = withoutPrivilege(await identityOf(COMMAND, [path]), TALLY);
    expect(identity).toMatchObject({ comm: 'whoami.json', exe: TALLY, cmdline: [path, '-'] });
    expect(identity.environ).toContain('A=1');
    expect(identity.maps.some(({ name }) => name === TALLY)).toBe(true);
  });

  test('out of another manifest, with what both say', async () => {
    const inner = { program: TALLY, args: ['-e', 'A'], env: { A: 'inner', B: 'inner' } };
    manifest('inner.json', inner);
    const outer = manifest('outer.json', { program: 'inner.json', args: ['-e', 'B'], env: { A: 'outer' } });
    expect((await runForeign([outer])).stdout).toBe('outer\ninner\n0 0 0 -\n');
  });

  test('through standard input, which its program does not get', async () => {
    const input = manifestOf({ program: TALLY, args: ['-', WORDS] });
    expect((await runForeign(['-'], { input })).stdout).toBe(`0 0 0 -\n${COUNTED}3 6 30 total\n`);
    const relative = manifestOf({ program: 'elf/x86_64/tally-static' });
    expectRefusal(await runForeign(['-'], { input: relative }), 'only absolute paths and URLs');
  });

  test('a packed program', async () => {
    const path = manifest('packed.json', { program: join(SAMPLES, 'xz/tally-dynamic-pie.xz') });
    expect((await runForeign([path, WORDS])).stdout).toBe(COUNTED);
  });
});

test('the sample is as docs/command.md shows it', async () => {
  const outcome = await runForeign(['manifest/tally.json', WORDS]);
  expect(outcome).toEqual({ status: 0, stdout: `lines, words, bytes: ${COUNTED}`, stderr: '' });
  expect(readFileSync(join(SAMPLES, '../docs/command.md'), 'utf8')).toContain(
    String(read('manifest/tally.json')),
  );
});

describe('plan and inspect', () => {
  test('show what is named, and by whom', async () => {
    const path = manifest('shown.json', { program: TALLY, args: ['an argument'], env: { SHOWN: '1' } });
    const plan = await runForeign(['plan', path]);
    expect(plan.stdout).toContain('"an argument"');
    expect(plan.stdout).toContain('"SHOWN=1"');
    const text = await runForeign(['inspect', path]);
    expect(text.stdout).toMatch(new RegExp(`^file +${TALLY}\nnamed by +${path}\nformat +elf`));
    const json = JSON.parse((await runForeign(['inspect', '--json', path])).stdout);
    expect(json).toMatchObject({ file: TALLY, namedBy: [path], format: 'elf' });
  });

  test('formats lists them', async () => {
    expect((await runForeign(['formats'])).stdout).toContain('"run-foreign": 1');
  });
});

describe('nothing runs', () => {
  const mark = at('mark');
  const touch = { program: '/usr/bin/touch', args: [mark] };

  test('of what is wrong, and the field is named', async () => {
    const path = manifest('wrong.json', { ...touch, args: [mark, 5] });
    const outcome = await runForeign([path]);
    expectRefusal(outcome, `${path}: is no manifest that can be run: the field args/1 must be text`);
    expect(outcome.stderr).toContain('file offset 0x');
    expectRefusal(
      await runForeign([manifest('arg.json', { ...touch, arg: 1 })]),
      'there is no field arg, but',
    );
    expect(existsSync(mark)).toBe(false);
  });

  test('of a manifest that was cut off anywhere', async () => {
    const text = manifestOf(touch);
    const cuts = [1, 2, 16, 17, 40, text.length - 2, text.length - 1];
    for (const size of cuts) {
      const { status, stderr } = await runForeign([file('cut.json', text.slice(0, size))]);
      expect(status).toBe(126);
      expect(stderr).toMatch(/^run-foreign: [^\n]*cut\.json: is (no JSON|in no format)[^\n]*\n$/);
    }
    expect(existsSync(mark)).toBe(false);
    expect((await runForeign([file('cut.json', text)])).status).toBe(0);
    expect(existsSync(mark)).toBe(true);
  });

  test('of manifests that name themselves or each other', async () => {
    manifest('one.json', { program: 'two.json' });
    const two = manifest('two.json', { program: 'one.json' });
    const self = manifest('self.json', { program: 'self.json' });
    for (const path of [two, self]) expectRefusal(await runForeign([path]), 'more than 8 wrappers');
  });

  test('of eight and one, and eight run', async () => {
    for (let level = 1; level <= 9; level++)
      manifest(`level${level}`, {
        program: level === 1 ? TALLY : `level${level - 1}`,
        args: level === 1 ? [WORDS] : [],
      });
    expect((await runForeign([at('level8')])).stdout).toBe(COUNTED);
    expectRefusal(await runForeign([at('level9')]), 'more than 8 wrappers');
  });

  test('of what is not there, or may not be run', async () => {
    expectRefusal(await runForeign([manifest('a.json', { program: 'none' })]), 'its program', 127);
    expectRefusal(await runForeign([manifest('a.json', { program: '/etc/passwd' })]), 'chmod +x');
    expectRefusal(await runForeign([manifest('a.json', { program: '/dev/null' })]), 'not a regular file');
  });
});

describe('a pinned path', () => {
  test('runs what it is pinned to, and nothing else', async () => {
    const program = file('pinned', readFileSync(TALLY));
    const digest = sha256(readFileSync(TALLY));
    const path = manifest('pinned.json', { program: 'pinned', sha256: digest });
    expect(await runForeign([path, WORDS])).toEqual({ status: 0, stdout: COUNTED, stderr: '' });
    writeFileSync(program, read('elf/x86_64/hello-static'));
    expectRefusal(await runForeign([path]), `${program}: is not what it is pinned to`);
    expectRefusal(await runForeign(['inspect', path]), 'is not what it is pinned to');
  });

  test('may be signed, with the signature beside it', async () => {
    const key = signingKey();
    const program = file('signed', readFileSync(TALLY));
    const path = manifest('signed.json', { program: 'signed', verifyKey: key.text });
    expectRefusal(await runForeign([path, WORDS]), 'is not signed');
    writeFileSync(`${program}.minisig`, minisig(readFileSync(TALLY), key));
    expect((await runForeign([path, WORDS])).stdout).toBe(COUNTED);
    writeFileSync(program, read('elf/x86_64/hello-static'));
    expectRefusal(await runForeign([path]), 'signature');
  });
});

describe('on a network', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await testServer();
  });
  afterEach(() => server.close());

  /** Serves a file as `name` and returns its URL and digest. */
  function offer(name: string, bytes: Uint8Array) {
    server.files.set(`/${name}`, Buffer.from(bytes));
    return { program: `${server.url}/${name}`, sha256: sha256(bytes) };
  }

  test('a program is fetched, and runs if it is what the manifest says', async () => {
    const tally = offer('tally', readFileSync(TALLY));
    const path = manifest('net.json', { ...tally, args: [WORDS] });
    expect(await runForeign([path])).toEqual({ status: 0, stdout: COUNTED, stderr: '' });
    const { program, sha256: digest } = tally;
    expect(
      (await runForeign([manifest('net2.json', { program: `${program}#sha256=${digest}` })])).status,
    ).toBe(0);
    server.files.set('/tally', read('elf/x86_64/hello-static'));
    expectRefusal(await runForeign([path]), 'is not what it is pinned to');
    expectRefusal(await runForeign(['plan', path]), 'is not what it is pinned to');
    expectRefusal(await runForeign(['inspect', path]), 'is not what it is pinned to');
  });

  test('a pin on the command line is for what stands there', async () => {
    const path = manifest('cli.json', offer('tally', readFileSync(TALLY)));
    const digest = sha256(readFileSync(path));
    expect((await runForeign(['--sha256', digest, path, WORDS])).stdout).toBe(COUNTED);
    expectRefusal(await runForeign(['--sha256', sha256(readFileSync(TALLY)), path]), `${path}: is not what`);
  });

  test('a program may be signed', async () => {
    const key = signingKey();
    const { program } = offer('tally', readFileSync(TALLY));
    offer('tally.minisig', Buffer.from(minisig(readFileSync(TALLY), key)));
    const path = manifest('signed.json', { program, verifyKey: key.text });
    expect((await runForeign([path, WORDS])).stdout).toBe(COUNTED);
    expectRefusal(
      await runForeign([manifest('s.json', { program, verifyKey: signingKey().text })]),
      'signature',
    );
  });

  test('without digest and key nothing is asked for', async () => {
    const { program } = offer('tally', readFileSync(TALLY));
    expectRefusal(
      await runForeign([manifest('bare.json', { program })]),
      'sha256 is missing: a URL needs it',
    );
    expect(server.requests).toEqual([]);
  });

  test('a manifest itself may lie there, and what it names, too', async () => {
    const inner = manifestOf({ ...offer('tally', readFileSync(TALLY)), args: [WORDS] });
    const { program, sha256: digest } = offer('tool.json', gzipSync(inner));
    expect((await runForeign([`${program}#sha256=${digest}`])).stdout).toBe(COUNTED);
    const local = offer('local.json', Buffer.from(manifestOf({ program: TALLY })));
    expect((await runForeign([`${local.program}#sha256=${local.sha256}`, WORDS])).stdout).toBe(COUNTED);
    const relative = offer('relative.json', Buffer.from(manifestOf({ program: 'tally' })));
    expectRefusal(await runForeign([`${relative.program}#sha256=${relative.sha256}`]), 'only absolute paths');
  });

  test('a manifest that is not what was pinned names nothing', async () => {
    const mark = at('touched');
    const tally = offer('tally', readFileSync(TALLY));
    const { program, sha256: digest } = offer('tool.json', Buffer.from(manifestOf({ program: TALLY })));
    for (const other of [{ program: '/usr/bin/touch', args: [mark] }, tally]) {
      offer('tool.json', Buffer.from(manifestOf(other)));
      expectRefusal(await runForeign([`${program}#sha256=${digest}`]), 'is not what it is pinned to');
    }
    expect(existsSync(mark)).toBe(false);
    expect(server.requests.map(({ path }) => path)).not.toContain('/tally');
  });

  test('a wrong program behind a right manifest does not run', async () => {
    const wrong = { ...offer('tally', readFileSync(TALLY)), sha256: '0'.repeat(64) };
    const { program, sha256: digest } = offer('tool.json', Buffer.from(manifestOf(wrong)));
    expectRefusal(
      await runForeign([`${program}#sha256=${digest}`]),
      `${server.url}/tally: is not what it is pinned`,
    );
  });
});

describe('a sealed program', () => {
  test('is opened with the secret that its manifest names', async () => {
    const identity = await generateX25519Identity();
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(identity));
    file('sealed/tally.age', await encrypter.encrypt(readFileSync(TALLY)));
    file('sealed/keys/id.txt', `${identity}\n`);
    const using = (identity: unknown) => manifest('sealed/tally.json', { program: 'tally.age', identity });
    for (const named of ['keys/id.txt', ['passphrase', at('sealed/keys/id.txt')]])
      expect(await runForeign([using(named), WORDS])).toEqual({ status: 0, stdout: COUNTED, stderr: '' });
    const env = { PATH: NODE_PATH, CREDENTIALS_DIRECTORY: at('sealed/keys') };
    expect((await runForeign([using('credential:id.txt'), WORDS], { env })).stdout).toBe(COUNTED);
    expectRefusal(await runForeign([using('credential:id.txt')]), 'needs the credential id.txt');
    expectRefusal(
      await runForeign([using('keys/none.txt')]),
      `${at('sealed/keys/none.txt')}: cannot be read`,
    );
    expectRefusal(await runForeign([manifest('sealed/t.json', { program: 'tally.age' })]), 'tally.age');
    for (const path of ['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])
      expectRefusal(
        await runForeign([using(path), WORDS], { input: identity }),
        `names ${path} for its keys, and descriptors are the caller's to give`,
      );
  });

  test('cannot be a manifest', async () => {
    const identity = await generateX25519Identity();
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(identity));
    const sealed = file(
      'sealed.age',
      await encrypter.encrypt(manifestOf({ program: TALLY, args: ['a secret'] })),
    );
    const key = file('id.txt', `${identity}\n`);
    const outcome = await runForeign(['-i', key, sealed]);
    expectRefusal(outcome, 'a manifest that was sealed');
    expect(outcome.stderr).not.toContain('a secret');
    expect((await runForeign(['--not-confidential', '-i', key, sealed])).stderr).toContain('a secret');
  });
});
