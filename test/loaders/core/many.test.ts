/** Processes of unusual size: more mappings than e_phnum counts, more runs of pages than anybody wants headers for. */
import { expect, test } from 'vitest';
import { EHDR, PN_XNUM } from '../../../loaders/core/elf-core.ts';
import type { Mapping } from '../../../src/image/process-state.ts';
import { validateImage } from '../../../src/image/validate.ts';
import { coreOf, loadCoreBytes } from '../../support/cores.ts';
import { bytesAt, randomProcess } from '../../support/process-state.ts';
import { Random } from '../../support/random.ts';

const PAGE = 0x1000n;
const { state, ...rest } = randomProcess(new Random(2));
const memory = { read: rest.read, objects: rest.objects };

function anonymous(start: bigint, pages: bigint): Mapping {
  return {
    start,
    end: start + pages * PAGE,
    protection: { read: true, write: true, execute: false },
    shared: false,
    growsDown: false,
    backing: { kind: 'anonymous' },
    flags: [],
  };
}

/** With these mappings instead of its own. */
const withMappings = (mappings: readonly Mapping[]) => {
  const { vdso, ...without } = state;
  return { ...without, mappings };
};

test('more than 65,534 program headers', async () => {
  const mappings = Array.from({ length: 65_540 }, (_, index) =>
    anonymous(0x10000n + BigInt(index) * 2n * PAGE, 1n),
  );
  const runs = [mappings[0], mappings[65_539]].map((mapping) => ({
    address: mapping?.start ?? 0n,
    size: PAGE,
  }));
  const bytes = await coreOf({ ...memory, state: withMappings(mappings), runs });
  expect(bytes.readUInt16LE(EHDR.e_phnum)).toBe(PN_XNUM);
  const image = await loadCoreBytes(bytes);
  validateImage(image, 0x7fff_ffff_f000n);
  expect(image.process?.state.mappings).toHaveLength(65_540);
  expect(image.segments.map(({ address }) => address)).toEqual(runs.map(({ address }) => address));
});

test('runs of pages with gaps between them become few, with what is between them, and none reaches out of its mapping', async () => {
  const mappings = [anonymous(0x10000n, 10_000n), anonymous(0x10000n + 10_000n * PAGE, 3n)];
  const runs = Array.from({ length: 5001 }, (_, index) => ({
    address: 0x10000n + BigInt(index) * 2n * PAGE,
    size: PAGE,
  }));
  const image = await loadCoreBytes(await coreOf({ ...memory, state: withMappings(mappings), runs }));
  validateImage(image, 0x7fff_ffff_f000n);
  expect(image.segments.length).toBeLessThan(4097);
  for (const run of runs) {
    const segment = image.segments.find(
      ({ address, size }) => address <= run.address && run.address + run.size <= address + size,
    );
    const { content } = segment ?? {};
    const at = (content?.offset ?? 0) + Number(run.address - (segment?.address ?? 0n));
    expect((await content?.source.read(at, 1))?.[0]).toBe(bytesAt(run.address));
  }
});
