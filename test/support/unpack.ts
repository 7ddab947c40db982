/** One wrapper loader at work on bytes, and what every packed format has to stand. */
import { expect } from 'vitest';
import { ForeignError, FormatError } from '../../src/errors.ts';
import type { LoaderPlugin } from '../../src/loader/contract.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { DEFAULT_MAX_SIZE } from '../../src/source/source.ts';
import { Random } from './random.ts';
import { contextOf } from './resolve.ts';

export async function unpackSource(
  loader: LoaderPlugin,
  source: Source,
  maxSize = DEFAULT_MAX_SIZE,
): Promise<Source> {
  const loaded = await loader.load(source, contextOf({}, maxSize));
  if (loaded.kind !== 'unwrap') throw new Error(`it is ${loaded.kind}`);
  return loaded.source;
}

export async function unpack(loader: LoaderPlugin, bytes: Uint8Array, maxSize?: number): Promise<Buffer> {
  const source = await unpackSource(loader, memorySource(bytes, 'packed'), maxSize);
  return Buffer.from(await source.read(0, source.size));
}

/** Every beginning of `packed`, the empty one included, is a typed error. */
export async function expectTruncationsRefused(loader: LoaderPlugin, packed: Uint8Array): Promise<void> {
  for (let length = 0; length < packed.length; length++) {
    const outcome = await unpack(loader, packed.subarray(0, length)).catch((error: unknown) => error);
    expect(outcome, `the first ${length} bytes`).toBeInstanceOf(FormatError);
  }
}

/** Every byte damaged in some bits, seeded: a typed error, or still the same program. */
export async function expectDamageFound(
  loader: LoaderPlugin,
  packed: Uint8Array,
  plain: Uint8Array,
): Promise<void> {
  const random = new Random(2026);
  for (let at = 0; at < packed.length; at++) {
    const bytes = Buffer.from(packed);
    bytes[at] = (bytes[at] ?? 0) ^ (random.chance(1, 2) ? 1 << random.below(8) : 1 + random.below(255));
    const outcome = await unpack(loader, bytes).catch((error: unknown) => error);
    if (outcome instanceof Buffer) expect(outcome.equals(plain), `byte ${at} damaged`).toBe(true);
    else {
      expect(outcome, `byte ${at} damaged`).toBeInstanceOf(ForeignError);
      expect((outcome as ForeignError).code).not.toBe('INTERNAL');
    }
  }
}

/** What `action` adds to the memory outside the heap that is in use, bytes. */
export async function memoryOf(action: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  await action();
  return process.memoryUsage().arrayBuffers - before;
}
