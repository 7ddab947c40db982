/** Choosing among loaders, unwrapping, following interpreters: verdicts and bounds. */
import { describe, expect, test } from 'vitest';
import { ForeignError } from '../../src/errors.ts';
import type { Loaded, LoaderPlugin, NamedProgram, Verdict } from '../../src/loader/contract.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import type { Follow } from '../../src/loader/walk.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { testImage } from '../support/images.ts';
import { plugin } from '../support/plugin.ts';
import { contextOf, NO_KEYS, resolveSource } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const file = fileLike(text('some bytes'), 3, 'prog');
const choose = async (loaders: readonly LoaderPlugin[], format?: string) => {
  const { image } = await resolveSource(file, {}, { loaders, ...(format !== undefined && { format }) });
  return image.format;
};

describe('who loads a file', () => {
  test('the only one that claims it', async () => {
    expect(await choose([plugin('no', null), plugin('yes', 'likely')])).toBe('yes');
  });

  test('one that is sure before one that is not, in either order', async () => {
    const [sure, unsure] = [plugin('sure', 'exact'), plugin('unsure', 'likely')];
    expect(await choose([sure, unsure])).toBe('sure');
    expect(await choose([unsure, sure])).toBe('sure');
  });

  test.each(['exact', 'likely'] as const)(
    'nobody when two claim it as %s: the error names both',
    async (verdict) => {
      const error = await foreignError(() => choose([plugin('one', verdict), plugin('two', verdict)]));
      expect(error).toMatchObject({ code: 'AMBIGUOUS_FORMAT', subject: 'prog', exitCode: 126 });
      expect(error.message).toContain('one and two');
      expect(error.hint).toContain('--format one');
    },
  );

  test('the one that --format names, even if it does not claim the file', async () => {
    const loaders = [plugin('one', 'exact'), plugin('two', 'exact'), plugin('three', null)];
    expect(await choose(loaders, 'two')).toBe('two');
    expect(await choose(loaders, 'three')).toBe('three');
  });

  test('nobody when --format names no loader: that is wrong usage, and the formats are listed', async () => {
    const error = await foreignError(() => choose([plugin('one', 'exact')], 'nine'));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(error.hint).toContain('one');
  });

  test('nobody when nobody claims it, and an empty file is called empty', async () => {
    const loaders = [plugin('one', null)];
    expect(await foreignError(() => choose(loaders))).toMatchObject({
      code: 'UNKNOWN_FORMAT',
      subject: 'prog',
    });
    const empty = await foreignError(() =>
      resolveSource(memorySource(new Uint8Array(0), 'nil'), {}, { loaders }),
    );
    expect(empty).toMatchObject({ code: 'UNKNOWN_FORMAT', message: 'is empty', subject: 'nil' });
  });

  test('an empty file is in no built-in format', async () => {
    expect((await foreignError(() => resolveSource(memorySource(new Uint8Array(0), 'nil')))).message).toBe(
      'is empty',
    );
  });

  test('probes and loads may take their time', async () => {
    const slow = plugin('slow', null, {
      probe: async (): Promise<Verdict> => 'exact',
      load: async () => ({ kind: 'image', image: testImage({ format: 'slow' }) }),
    });
    expect(await choose([slow])).toBe('slow');
  });
});

describe('unwrapping', () => {
  /** Takes off one byte as long as the first one is `(`. */
  const wrapper = plugin('paren', null, {
    kind: 'wrapper',
    probe: async (source): Promise<Verdict> =>
      source.size > 0 && (await source.read(0, 1))[0] === 0x28 ? 'exact' : null,
    load: async (source): Promise<Loaded> => ({
      kind: 'unwrap',
      source: memorySource(await source.read(1, source.size - 1), source.name, source.confidential),
    }),
  });
  const inner = plugin('inner', 'likely');
  const unwrap = (depth: number, format?: string) =>
    resolveSource(
      memorySource(text(`${'('.repeat(depth)}x`), 'nest'),
      {},
      {
        loaders: [wrapper, inner, plugin('other', null)],
        ...(format !== undefined && { format }),
      },
    );

  test('goes eight deep', async () => {
    expect((await unwrap(8)).image.format).toBe('inner');
  });

  test('and no deeper', async () => {
    expect(await foreignError(() => unwrap(9))).toMatchObject({ code: 'NESTED_TOO_DEEP', subject: 'nest' });
  });

  test('a wrapper that never ends is stopped', async () => {
    const endless = plugin('endless', 'exact', {
      kind: 'wrapper',
      load: (source) => ({ kind: 'unwrap', source }),
    });
    expect((await foreignError(() => choose([endless]))).code).toBe('NESTED_TOO_DEEP');
  });

  test('--format is about what is inside', async () => {
    expect((await unwrap(2, 'other')).image.format).toBe('other');
  });

  test('what was the program’s file stays so', async () => {
    const bytes = Buffer.concat([text('#!run-foreign\n'), handmade('elf64-static').bytes]);
    const whole = fileLike(bytes, 3, 'whole');
    expect((await resolveSource(whole)).source).toBe(whole);
  });

  test('a loader that makes secret bytes public is stopped', async () => {
    const leak = plugin('leak', 'exact', {
      kind: 'wrapper',
      load: () => ({ kind: 'unwrap', source: memorySource(text('x'), 'x', false) }),
    });
    const secret = memorySource(text('secret'), 'secret', true);
    const error = await foreignError(() => resolveSource(secret, {}, { loaders: [leak] }));
    expect(error.code).toBe('LOADER_FAILED');
    expect(error.message).not.toContain('secret bytes');
  });
});

describe('interpreters', () => {
  /** /1 is run by /2, that by /3, …; the last is a program. */
  function chain(length: number): Record<string, Uint8Array> {
    const entries = Array.from({ length }, (_, index): [string, Uint8Array] => [
      `/${index + 1}`,
      index + 1 === length ? handmade('elf64-static').bytes : text(`#!/${index + 2}\n`),
    ]);
    return Object.fromEntries(entries);
  }
  const run = (length: number) =>
    resolveSource(fileLike(text('#!/1 a\n'), 3, '/script'), chain(length), { argv: ['zero', 'end'] });

  test('five are followed, as by execve', async () => {
    const { argv } = await run(5);
    const names = argv.map((each) => Buffer.from(each).toString());
    expect(names).toEqual(['/5', '/4', '/3', '/2', '/1', 'a', '/script', 'end']);
  });

  test('six are ELOOP', async () => {
    const error = await foreignError(() => run(6));
    expect(error.code).toBe('NESTED_TOO_DEEP');
    expect(error.message).toContain('ELOOP');
  });

  test('a script that names itself is stopped', async () => {
    const error = await foreignError(() =>
      resolveSource(fileLike(text('#!/me\n'), 3), { '/me': text('#!/me\n') }),
    );
    expect(error.code).toBe('NESTED_TOO_DEEP');
  });

  test('--format is for the file, not for its interpreter', async () => {
    const named = plugin('named', null, {
      load: () => ({ kind: 'interpreter', path: text('/bin/x'), args: [] }),
    });
    const request = {
      source: file,
      argv: [text('prog')],
      execfn: text('prog'),
      loaders: [named, plugin('program', 'exact')],
      context: contextOf({ '/bin/x': text('x') }),
      format: 'named',
    };
    expect((await resolveProgram(request)).image.format).toBe('program');
  });

  test('an empty argv gets the interpreter and the file', async () => {
    const { argv } = await resolveSource(fileLike(text('#!/1\n'), 3, '/script'), chain(1), { argv: [] });
    expect(argv.map((each) => Buffer.from(each).toString())).toEqual(['/1', '/script']);
  });
});

describe('a file that names a program', () => {
  const NAMED = { name: text('/named'), args: [], env: [], identities: [] };
  /** A file whose bytes are the name of what it names. */
  const naming = (changes: Partial<NamedProgram> = {}) =>
    plugin('naming', null, {
      kind: 'wrapper',
      probe: async (source) => ((await source.read(0, 1))[0] === 0x2f ? 'exact' : null),
      load: async (source) => ({
        kind: 'program',
        ...NAMED,
        name: await source.read(0, source.size),
        ...changes,
      }),
    });
  const program = plugin('program', 'likely');
  const named = (name: string) => fileLike(text(name), 3, 'naming');
  const opening =
    (log: string[], sources: Readonly<Record<string, Source>>): Follow =>
    async ({ name }, from) => {
      const key = Buffer.from(name).toString();
      log.push(`${key} from ${from && Buffer.from(from.path)}`);
      return { source: sources[key] ?? memorySource(text('x'), key), path: name };
    };

  test('is followed, and the way is told', async () => {
    const log: string[] = [];
    const follow = opening(log, { '/one': fileLike(text('/two'), 4, '/one') });
    const changes = { args: [text('a')], env: [text('A=1')], argv0: text('zero') };
    const resolution = await resolveSource(
      named('/one'),
      {},
      {
        argv: ['typed', 'z'],
        loaders: [naming(changes), program],
        follow,
      },
    );
    expect(log).toEqual(['/one from naming', '/two from /one']);
    expect(resolution.argv.map(String)).toEqual(['zero', 'a', 'a', 'z']);
    expect(resolution.env.map(String)).toEqual(['A=1', 'A=1']);
    expect(resolution.namedBy).toEqual(['naming', '/one']);
    expect(resolution.exe).toBeUndefined();
    expect(resolution.source.name).toBe('/two');
  });

  test('is refused where nobody follows', async () => {
    const error = await foreignError(() => resolveSource(named('/x'), {}, { loaders: [naming(), program] }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', subject: 'naming' });
  });

  test('may not be one that was decrypted', async () => {
    const log: string[] = [];
    const source = { ...named('/x'), confidential: true };
    const options = { loaders: [naming(), program], follow: opening(log, {}) };
    expect((await foreignError(() => resolveSource(source, {}, options))).code).toBe('LOADER_FAILED');
    expect(log).toEqual([]);
  });

  test('and everything it leads to must be authenticated before it is followed, or before the program starts', async () => {
    const log: string[] = [];
    const unsure = (bytes: string, name: string, honest: boolean): Source => ({
      ...memorySource(text(bytes), name),
      async authenticate() {
        log.push(`authenticate ${name}`);
        if (!honest) throw new ForeignError('UNAUTHENTICATED', 'is something else');
      },
    });
    const run = (first: Source, second: Source) =>
      resolveSource(
        first,
        {},
        {
          loaders: [naming(), program],
          follow: opening(log, { '/one': second, '/two': unsure('program', 'two', true) }),
        },
      );
    const resolution = await run(unsure('/one', 'zero', true), unsure('/two', 'one', true));
    expect(log).toEqual([
      'authenticate zero',
      '/one from undefined',
      'authenticate one',
      '/two from undefined',
    ]);
    expect(resolution.unauthenticated.map(({ name }) => name)).toEqual(['zero', 'one', 'two']);
    log.length = 0;
    await foreignError(() => run(unsure('/one', 'zero', true), unsure('/two', 'one', false)));
    expect(log).toEqual(['authenticate zero', '/one from undefined', 'authenticate one']);
  });

  test('is opened with the secrets that come with it', async () => {
    const keys = [{ name: 'key', bytes: text('key') }];
    const secrets = { ...NO_KEYS.secrets, identities: () => Promise.resolve(keys) };
    let seen: unknown;
    const looking = plugin('looking', 'likely', {
      load: async (_, context) => {
        seen = await context.secrets.identities();
        return { kind: 'image', image: testImage({ format: 'looking' }) };
      },
    });
    await resolveSource(
      named('/x'),
      {},
      {
        loaders: [naming(), looking],
        follow: async ({ name }) => ({ source: memorySource(text('x'), 'x'), path: name, secrets }),
      },
    );
    expect(seen).toBe(keys);
  });
});
