/** The addresses that are ours to choose, against the kernel's own (load_elf_binary, arch_randomize_brk). */
import { describe, expect, test } from 'vitest';
import type { Arch, ImagePart, ProgramImage } from '../../src/image/image.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../../src/process/address-space.ts';
import type { HostFacts } from '../../src/process/host.ts';
import { layOut, span } from '../../src/process/layout.ts';
import { foreignError } from '../support/errors.ts';
import { fakeHost } from '../support/host.ts';
import { segment, testImage } from '../support/images.ts';
import { Random } from '../support/random.ts';

function pie(arch: Arch, align = PAGE_SIZE, changes: Partial<ProgramImage> = {}): ProgramImage {
  return testImage({
    arch,
    placement: { kind: 'pie', align },
    segments: [segment(0n, 0x1000n), segment(0x3000n, 0x2000n)],
    entry: 0x10n,
    brk: { start: 0x5000n, end: 0x5000n, randomize: true },
    ...changes,
  });
}

const randomHost = (seed: number, changes: Partial<HostFacts> = {}): HostFacts => {
  const random = new Random(seed);
  return fakeHost({ randomizeVaSpace: 2, random: (length) => random.bytes(length), ...changes });
};

const interpreter = (changes: Partial<ImagePart> = {}) => ({
  placement: { kind: 'mmap', align: PAGE_SIZE } as const,
  segments: [segment(0n, 0x1000n)],
  entry: 0n,
  source: { name: 'ld.so', size: 0, confidential: false, read: () => new Uint8Array(0) },
  ...changes,
});

describe('without randomisation', () => {
  test.each([
    ['x86_64', 0x5555_5555_4000n],
    ['i386', 0x5655_5000n],
  ] as const)('a PIE of %s stands where `setarch -R` puts it', (arch, base) => {
    const layout = layOut(pie(arch), fakeHost());
    expect(layout.image(0n)).toEqual({ base: 'absolute', offset: base });
    expect(layout.brk.start).toEqual({ base: 'absolute', offset: base + 0x5000n });
  });

  test('a larger alignment moves the base down to a multiple of it', () => {
    expect(layOut(pie('x86_64', 0x200000n), fakeHost()).image(0n).offset).toBe(0x5555_5540_0000n);
  });

  test('link-time addresses of a PIE may begin anywhere', () => {
    const image = pie('x86_64', PAGE_SIZE, { segments: [segment(0x7000n, 0x1000n)] });
    expect(layOut(image, fakeHost()).image(0x7000n).offset).toBe(0x5555_5555_4000n);
  });

  test('the first segment is what goes to the base, also where others are lower', () => {
    const image = pie('x86_64', PAGE_SIZE, {
      segments: [segment(0x20_0000n, 0x1000n), segment(0n, 0x1000n)],
    });
    expect(layOut(image, fakeHost()).image(0x20_0000n).offset).toBe(0x5555_5555_4000n);
  });

  test('the heap of an ELF program begins at a page: start_brk is ELF_PAGEALIGN(elf_brk)', () => {
    const brk = { start: 0x5030n, end: 0x5030n, randomize: true };
    expect(layOut(pie('x86_64', PAGE_SIZE, { brk }), fakeHost()).brk.start.offset).toBe(0x5555_5555_a000n);
  });

  test('the heap of a static PIE begins where PIEs go, as in Linux 6.9 and later', () => {
    const image = pie('x86_64', PAGE_SIZE, { placement: { kind: 'mmap', align: PAGE_SIZE } });
    expect(layOut(image, fakeHost()).brk.start).toEqual({ base: 'absolute', offset: 0x5555_5555_5000n });
  });
});

describe.each(['x86_64', 'i386'] as const)('with randomisation, %s', (arch) => {
  const space = ADDRESS_SPACES[arch];
  const range = PAGE_SIZE << (arch === 'x86_64' ? 28n : 8n);

  test('a PIE’s base is aligned, in the kernel’s range, and not always the same', () => {
    const seen = new Set<bigint>();
    for (let seed = 0; seed < 200; seed++) {
      for (const align of [PAGE_SIZE, 0x10000n]) {
        const { offset } = layOut(pie(arch, align), randomHost(seed)).image(0n);
        expect(offset % align).toBe(0n);
        expect(offset).toBeGreaterThan(space.etDynBase - align);
        expect(offset).toBeLessThan(space.etDynBase + range);
        seen.add(offset);
      }
    }
    expect(seen.size).toBeGreaterThan(60);
  });

  test('the heap begins at a page after the image, at most brkRange away; 1 does not move it', () => {
    const seen = new Set<bigint>();
    for (let seed = 0; seed < 200; seed++) {
      const layout = layOut(pie(arch), randomHost(seed));
      const after = layout.brk.start.offset - layout.image(0x5000n).offset;
      expect(after).toBeGreaterThanOrEqual(0n);
      expect(after).toBeLessThan(space.brkRange);
      expect(layout.brk.start.offset % PAGE_SIZE).toBe(0n);
      seen.add(after);
      const still = layOut(pie(arch), randomHost(seed, { randomizeVaSpace: 1 }));
      expect(still.brk.start).toEqual(still.image(0x5000n));
    }
    expect(seen.size).toBeGreaterThan(50);
  });

  test('a static PIE is placed by the kernel, and its heap where PIEs go', () => {
    for (let seed = 0; seed < 50; seed++) {
      const layout = layOut(
        pie(arch, PAGE_SIZE, { placement: { kind: 'mmap', align: PAGE_SIZE } }),
        randomHost(seed),
      );
      expect(layout.image(0x123n)).toEqual({ base: 'image', offset: 0x123n });
      expect(layout.brk.start.base).toBe('absolute');
      expect(layout.brk.start.offset).toBeGreaterThanOrEqual(space.etDynBase);
      expect(layout.brk.end.offset).toBeLessThanOrEqual(space.taskSize);
    }
  });

  test('a heap that may not move stays, and keeps its size', () => {
    const image = testImage({ arch, brk: { start: 0x5123n, end: 0x7000n, randomize: false } });
    const { brk } = layOut(image, randomHost(1));
    expect([brk.start.offset, brk.end.offset]).toEqual([0x5123n, 0x7000n]);
  });

  test('the stub meets no fixed image nor the stack, and leaves the quiet range only if that is full', () => {
    const random = new Random(arch === 'i386' ? 32 : 64);
    const edges = [space.quiet.start, space.quiet.end, (space.quiet.start + space.quiet.end) / 2n];
    let refused = 0;
    let elsewhere = 0;
    for (let round = 0; round < 1000; round++) {
      const segments = Array.from({ length: 1 + random.below(6) }, () => {
        const size = 1n + random.bigBelow(1n << random.bigBelow(arch === 'i386' ? 30n : 45n));
        const near = random.chance(2, 3) ? random.pick(edges) : random.bigBelow(space.taskSize);
        const start = near - random.bigBelow(2n * size);
        const address = start < 0x10_0000n ? 0x10_0000n : start;
        return segment(address, address + size > space.taskSize ? space.taskSize - address : size);
      }).filter(({ address, size }) => size > 0n && address < space.taskSize);
      if (segments.length === 0) continue;
      try {
        const { stub } = layOut(testImage({ arch, segments }), randomHost(round));
        expect(stub % PAGE_SIZE).toBe(0n);
        const quiet = stub >= space.quiet.start && stub + space.stubReserve <= space.quiet.end;
        if (!quiet) elsewhere++;
        expect(quiet || segments.some(({ address }) => address < space.quiet.end)).toBe(true);
        expect(stub + space.stubReserve).toBeLessThan(space.taskSize - space.stackRange);
        for (const { address, size } of segments)
          expect(address + size <= stub || address >= stub + space.stubReserve).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'IMAGE_REFUSED' });
        refused++;
      }
    }
    expect(refused).toBeLessThan(500);
    expect(elsewhere).toBeGreaterThan(20);
  });

  test('an image that covers the whole quiet range has the stub elsewhere', () => {
    const segments = [segment(space.quiet.start, space.quiet.end - space.quiet.start)];
    const { stub } = layOut(testImage({ arch, segments }), fakeHost());
    expect(stub + space.stubReserve <= space.quiet.start || stub >= space.quiet.end).toBe(true);
  });

  test('an image that covers nearly everything is refused before anything happens', async () => {
    const segments = [segment(0x10_0000n, space.taskSize - space.stackRange - 0x10_0000n)];
    const error = await foreignError(() => layOut(testImage({ arch, segments }), fakeHost()));
    expect(error.code).toBe('IMAGE_REFUSED');
  });
});

describe('addresses a process may not have', () => {
  const low = testImage({ arch: 'i386', segments: [segment(0n, 0x1000n)] });

  test('are refused with the address, the minimum and what to do about it', async () => {
    const error = await foreignError(() => layOut(low, fakeHost({ lowestMapping: () => 0x10000n })));
    expect(error.code).toBe('MACHINE_REFUSED');
    expect(error.message).toContain('0x10000');
    expect(error.hint).toContain('mmap_min_addr');
  });

  test('are allowed where the machine allows them', () => {
    expect(layOut(low, fakeHost({ lowestMapping: () => 0n })).image(0n).offset).toBe(0n);
  });

  test('an image that begins exactly at the minimum is let through', () => {
    const image = testImage({ arch: 'i386', segments: [segment(0x1000n, 0x1000n)] });
    expect(layOut(image, fakeHost({ lowestMapping: () => 0x1000n })).image(0x1000n).offset).toBe(0x1000n);
  });

  test('the machine is not asked about images far above any minimum', () => {
    const lowestMapping = () => {
      throw new Error('asked');
    };
    expect(layOut(testImage(), fakeHost({ lowestMapping })).image(0x400000n).offset).toBe(0x400000n);
  });

  test.each(['x86_64', 'i386'] as const)(
    'a PIE of %s that would end past the last one is refused',
    async (arch) => {
      const { taskSize, etDynBase } = ADDRESS_SPACES[arch];
      const image = pie(arch, PAGE_SIZE, { segments: [segment(0n, taskSize - etDynBase + 2n * PAGE_SIZE)] });
      expect((await foreignError(() => layOut(image, fakeHost()))).code).toBe('IMAGE_REFUSED');
    },
  );

  test.each(['x86_64', 'i386'] as const)(
    'all places that the stack of %s may have are refused, some of them are not',
    async (arch) => {
      const { taskSize, stackRange } = ADDRESS_SPACES[arch];
      const over = (start: bigint, end: bigint, host: HostFacts) =>
        layOut(testImage({ arch, segments: [segment(start, end - start)] }), host);
      const random = randomHost(1);
      const lowest = taskSize - stackRange;
      const all = await foreignError(() => over(lowest - PAGE_SIZE, taskSize - PAGE_SIZE, random));
      expect(all).toMatchObject({ code: 'IMAGE_REFUSED', exitCode: 126 });
      expect(() => over(lowest, taskSize, random)).not.toThrow();
      expect(() => over(lowest - PAGE_SIZE, taskSize - 0x40000n, random)).not.toThrow();
      // Without randomisation there is but one.
      const still = fakeHost();
      expect((await foreignError(() => over(taskSize - PAGE_SIZE, taskSize, still))).message).toContain(
        'stack',
      );
      expect(() => over(lowest, taskSize - 0x40000n, still)).not.toThrow();
    },
  );
});

describe('an alignment larger than the address space', () => {
  const align = 1n << 63n;

  test('leaves nothing of a base but 0, as in the kernel', () => {
    for (const kind of ['pie', 'mmap'] as const) {
      const image = pie('x86_64', PAGE_SIZE, { placement: { kind, align } });
      expect(layOut(image, randomHost(1)).image(0x10n)).toEqual({ base: 'absolute', offset: 0x10n });
    }
  });

  test('is refused where nothing may be mapped at 0', async () => {
    const image = pie('x86_64', PAGE_SIZE, { placement: { kind: 'mmap', align } });
    const host = fakeHost({ lowestMapping: () => 0x1000n });
    expect((await foreignError(() => layOut(image, host))).code).toBe('MACHINE_REFUSED');
  });

  test('of a static PIE leaves its heap where PIEs go', () => {
    const image = pie('x86_64', PAGE_SIZE, { placement: { kind: 'mmap', align } });
    expect(layOut(image, fakeHost()).brk.start.offset).toBe(0x5555_5555_5000n);
  });
});

test('an interpreter is placed by the kernel, unless it is fixed', () => {
  expect(layOut(testImage({ interpreter: interpreter() }), fakeHost()).interp(0x40n).base).toBe('interp');
  const fixed = interpreter({ placement: { kind: 'fixed' }, segments: [segment(0x7000_0000n, 0x1000n)] });
  expect(layOut(testImage({ interpreter: fixed }), fakeHost()).interp(0x7000_0040n)).toEqual({
    base: 'absolute',
    offset: 0x7000_0040n,
  });
});

test('the span of a part is its first to its last page, in whatever order the segments come', () => {
  const segments = [segment(0x5123n, 0x10n), segment(0x1fffn, 2n)];
  expect(span(testImage({ segments }))).toEqual({ start: 0x1000n, end: 0x6000n });
});
