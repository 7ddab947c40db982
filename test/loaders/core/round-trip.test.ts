import { expect, test } from 'vitest';
import { validateImage } from '../../../src/image/validate.ts';
import { coreOf, loadCoreBytes } from '../../support/cores.ts';
import { bytesAt, randomProcess } from '../../support/process-state.ts';
import { Random } from '../../support/random.ts';

const TASK_SIZE = 0x7fff_ffff_f000n;

/** Bytes are bytes, whatever class they have. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
}

test.each(Array.from({ length: 40 }, (_, seed) => [seed]))(
  'what is written is what is read: state, memory and objects of process %i',
  async (seed) => {
    const written = randomProcess(new Random(seed));
    const image = await loadCoreBytes(await coreOf(written));
    validateImage(image, TASK_SIZE);
    expect(image.format).toBe('core');
    expect(image.entry).toBe(written.state.threads[0]?.registers.rip);
    expect(plain(image.process?.state)).toEqual(plain(written.state));
    const size = (total: bigint, each: { readonly size: bigint }) => total + each.size;
    expect(image.segments.reduce(size, 0n)).toBe(written.runs.reduce(size, 0n));
    for (const { address, content } of image.segments) {
      const bytes = await content?.source.read(content.offset, content.size);
      bytes?.forEach((byte, at) => {
        if (byte !== bytesAt(address + BigInt(at)))
          throw new Error(`another byte at ${address + BigInt(at)}`);
      });
    }
    for (const [number, { extents }] of written.objects.entries()) {
      const found = image.process?.objects[number] ?? [];
      expect(found.map(({ at, content }) => [at, BigInt(content.size)])).toEqual(
        extents.map(({ at, size: length }) => [at, length]),
      );
      for (const { at, content } of found)
        expect((await content.source.read(content.offset, 1))[0]).toBe(bytesAt(at));
    }
  },
);
