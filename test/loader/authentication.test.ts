/** Sources that are to be authenticated: when that is asked, and that nothing comes of what is not. */
import { describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { ForeignError } from '../../src/errors.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import { memorySource, sourceFrom } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { testImage } from '../support/images.ts';
import { plugin } from '../support/plugin.ts';
import { contextOf } from '../support/resolve.ts';
import { text } from '../support/sources.ts';

describe('a source that is to be authenticated', () => {
  /** Says what happens, in order. */
  function unsure(bytes: Uint8Array, honest: boolean): { source: Source; log: string[] } {
    const log: string[] = [];
    const authenticate = async () => {
      log.push('authenticate');
      if (!honest) throw new ForeignError('UNAUTHENTICATED', 'is something else');
    };
    return { source: { ...memorySource(bytes, 'net'), authenticate }, log };
  }
  const elf = handmade('elf64-dynamic-pie');
  const resolve = (source: Source, log: string[], files: Readonly<Record<string, Uint8Array>>) => {
    const inner = contextOf(files);
    return resolveProgram({
      source,
      argv: [text('net')],
      execfn: text('net'),
      loaders: builtinLoaders,
      context: {
        ...inner,
        open(path) {
          log.push(`open ${Buffer.from(path)}`);
          return inner.open(path);
        },
      },
    });
  };

  test('is looked at without that, when no other file is needed', async () => {
    const { source, log } = unsure(handmade('elf64-static').bytes, true);
    await resolve(source, log, {});
    expect(log).toEqual([]);
  });

  test('is authenticated before a file is opened that it names', async () => {
    const good = unsure(elf.bytes, true);
    await resolve(good.source, good.log, elf.files);
    expect(good.log).toEqual(['authenticate', expect.stringMatching(/^open /)]);
    const bad = unsure(elf.bytes, false);
    const error = await foreignError(() => resolve(bad.source, bad.log, elf.files));
    expect(error.code).toBe('UNAUTHENTICATED');
    expect(bad.log).toEqual(['authenticate']);
  });

  test('even if its loader does not tell that it wanted one', async () => {
    const { source, log } = unsure(text('bytes'), false);
    const quiet = plugin('quiet', 'exact', {
      load: (_, context) => {
        try {
          context.open(text('/dev/watchdog'));
        } catch {}
        return { kind: 'image', image: testImage() };
      },
    });
    const request = { source, argv: [], execfn: text('net'), loaders: [quiet], context: contextOf({}) };
    expect((await foreignError(() => resolveProgram(request))).code).toBe('UNAUTHENTICATED');
    expect(log).toEqual(['authenticate']);
  });

  test('is authenticated before it is unwrapped, and so is what is inside', async () => {
    const wrapped = Buffer.concat([text('#!run-foreign\n'), elf.bytes]);
    const bad = unsure(wrapped, false);
    expect((await foreignError(() => resolve(bad.source, bad.log, elf.files))).code).toBe('UNAUTHENTICATED');
    expect(bad.log).toEqual(['authenticate']);
    const good = unsure(wrapped, true);
    await resolve(good.source, good.log, elf.files);
    expect(good.log.slice(0, 2)).toEqual(['authenticate', 'authenticate']);
    expect(sourceFrom(good.source, 3).authenticate).toBeDefined();
  });

  test('is authenticated before something is taken out of it, even by what is no wrapper', async () => {
    const { source, log } = unsure(text('bytes'), false);
    const odd = plugin('odd', 'exact', {
      load: () => ({ kind: 'unwrap', source: memorySource(elf.bytes, 'inside') }),
    });
    const request = { source, argv: [], execfn: text('net'), loaders: [odd], context: contextOf({}) };
    expect((await foreignError(() => resolveProgram(request))).code).toBe('UNAUTHENTICATED');
    expect(log).toEqual(['authenticate']);
  });

  test('has no file that an interpreter could open', async () => {
    const { source, log } = unsure(text('#!/bin/sh\n'), true);
    const error = await foreignError(() => resolve(source, log, { '/bin/sh': elf.bytes }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', exitCode: 126 });
    expect(log).toEqual(['authenticate']);
  });
});
