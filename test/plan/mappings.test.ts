/** Segments to memory steps: what is mapped, what is zeroed, read or copied, and what may be replaced. */
import { describe, expect, test } from 'vitest';
import type { Segment } from '../../src/image/image.ts';
import { mapPart } from '../../src/plan/mappings.ts';
import { Materials } from '../../src/plan/materials.ts';
import { absolute } from '../../src/process/place.ts';
import type { Source } from '../../src/source/source.ts';
import { PROTECTION, segment, testImage } from '../support/images.ts';
import { fileLike, hugeSource } from '../support/sources.ts';

const FILE = fileLike(new Uint8Array(0x8000), 5);

function stepsOf(...segments: Segment[]) {
  const materials = new Materials(segments);
  return { steps: mapPart(testImage({ segments }), absolute, materials), materials };
}

/** Steps in short: the operation, the place, the size and what else there is. */
function short(...segments: Segment[]): string[] {
  return stepsOf(...segments).steps.map((step) => {
    if (!('at' in step)) return step.op;
    const words = [step.op, `0x${step.at.offset.toString(16)}`, `+0x${step.size.toString(16)}`];
    if ('protection' in step) words.push(step.protection);
    if (step.op === 'mmap') {
      if (step.file !== undefined) words.push(`file@0x${step.file.offset.toString(16)}`);
      if (step.replace) words.push('replace');
    }
    if (step.op === 'read') words.push(`file@0x${step.offset.toString(16)}`);
    return words.join(' ');
  });
}

const content = (offset: number, size: number, source: Source = FILE) => ({ source, offset, size });

describe('a segment whose bytes lie at page boundaries', () => {
  test('is mapped from the file, and nothing else happens', () => {
    const whole = segment(0x400000n, 0x2000n, { content: content(0x1000, 0x2000) });
    expect(short(whole)).toEqual(['mmap 0x400000 +0x2000 r-x file@0x1000']);
  });

  test('that ends in the middle of a page with no more memory leaves the rest of the page', () => {
    const part = segment(0x400000n, 0x1234n, { content: content(0, 0x1234) });
    expect(short(part)).toEqual(['mmap 0x400000 +0x2000 r-x file@0x0']);
  });

  test('with more memory in the same page has that zeroed to the end of the page', () => {
    const { rw } = PROTECTION;
    const tail = segment(0x400000n, 0x1800n, { content: content(0, 0x1234), protection: rw });
    expect(short(tail)).toEqual(['mmap 0x400000 +0x2000 rw- file@0x0', 'zero 0x401234 +0xdcc']);
  });

  test('with more pages of memory has those anonymous, after the zeroed tail', () => {
    const { rw } = PROTECTION;
    const bss = segment(0x400000n, 0x4000n, { content: content(0, 0x1234), protection: rw });
    expect(short(bss)).toEqual([
      'mmap 0x400000 +0x2000 rw- file@0x0',
      'zero 0x401234 +0xdcc',
      'mmap 0x402000 +0x2000 rw-',
    ]);
  });

  test('whose file bytes fill their last page has no tail to zero', () => {
    const { rw } = PROTECTION;
    const bss = segment(0x400000n, 0x3000n, { content: content(0, 0x1000), protection: rw });
    expect(short(bss)).toEqual(['mmap 0x400000 +0x1000 rw- file@0x0', 'mmap 0x401000 +0x2000 rw-']);
  });

  test('that is read-only is writable only while its tail is zeroed', () => {
    const tail = segment(0x400000n, 0x800n, { content: content(0, 0x400), protection: PROTECTION.r });
    expect(short(tail)).toEqual([
      'mmap 0x400000 +0x1000 rw- file@0x0',
      'zero 0x400400 +0xc00',
      'mprotect 0x400000 +0x1000 r--',
    ]);
  });

  test('counts file offsets from where the source begins in its file', () => {
    const wrapped = fileLike(new Uint8Array(0x4000), 5, 'wrapped', 0x3000);
    const inner = segment(0x400000n, 0x1000n, { content: content(0x1000, 0x1000, wrapped) });
    expect(short(inner)).toEqual(['mmap 0x400000 +0x1000 r-x file@0x4000']);
  });
});

describe('a segment without bytes', () => {
  test('is anonymous memory, in whole pages', () => {
    expect(short(segment(0x400100n, 0x1000n, { protection: PROTECTION.rw }))).toEqual([
      'mmap 0x400000 +0x2000 rw-',
    ]);
  });

  test('is the same when it has content of no size', () => {
    expect(short(segment(0x400000n, 0x1000n, { content: content(0, 0) }))).toEqual([
      'mmap 0x400000 +0x1000 r-x',
    ]);
  });

  test('keeps each protection as asked for', () => {
    for (const [name, protection] of Object.entries(PROTECTION)) {
      const text = `${name.includes('r') ? 'r' : '-'}${name.includes('w') ? 'w' : '-'}${name.includes('x') ? 'x' : '-'}`;
      expect(short(segment(0x1000n, 0x1000n, { protection }))).toEqual([`mmap 0x1000 +0x1000 ${text}`]);
    }
    const none = { read: false, write: false, execute: false };
    expect(short(segment(0x1000n, 0x1000n, { protection: none }))).toEqual(['mmap 0x1000 +0x1000 ---']);
  });
});

describe('bytes of a file that cannot be mapped', () => {
  const behindLine = fileLike(new Uint8Array(0x4000), 5, 'wrapped', 0x15);

  test('are read into anonymous memory, which is then protected', () => {
    expect(short(segment(0x400000n, 0x1000n, { content: content(0, 0x1000, behindLine) }))).toEqual([
      'mmap 0x400000 +0x1000 rw-',
      'read 0x400000 +0x1000 file@0x15',
      'mprotect 0x400000 +0x1000 r-x',
    ]);
  });

  test('need no protecting where the segment is writable itself', () => {
    const both = segment(0x400000n, 0x1000n, {
      content: content(0, 0x1000, behindLine),
      protection: PROTECTION.rwx,
    });
    expect(short(both)).toEqual(['mmap 0x400000 +0x1000 rwx', 'read 0x400000 +0x1000 file@0x15']);
  });

  test('are read to where they belong inside the first page', () => {
    expect(
      short(segment(0x400120n, 0x20n, { content: content(0x20, 0x20), protection: PROTECTION.rw })),
    ).toEqual(['mmap 0x400000 +0x1000 rw-', 'read 0x400120 +0x20 file@0x20']);
  });

  test('are read in pieces where there are more than one call can move', () => {
    const size = 0xa000_0000;
    const source = { ...hugeSource(size, 5), file: { fd: 5, path: Buffer.from('huge'), offset: 1 } };
    const big = segment(0x400000n, BigInt(size), {
      content: content(0, size, source),
      protection: PROTECTION.rw,
    });
    expect(short(big)).toEqual([
      'mmap 0x400000 +0xa0000000 rw-',
      'read 0x400000 +0x40000000 file@0x1',
      'read 0x40400000 +0x40000000 file@0x40000001',
      'read 0x80400000 +0x20000000 file@0x80000001',
    ]);
  });
});

describe('bytes that are in no file', () => {
  const memory: Source = { name: 'memory', size: 0x2000, confidential: false, read: () => new Uint8Array(0) };
  const secret: Source = { ...FILE, confidential: true };

  test('are mapped from the vault, where they lie as in their own', () => {
    const content = { source: memory, offset: 0x1000, size: 0x1000 };
    const { steps, materials } = stepsOf(segment(0x400000n, 0x2000n, { content }));
    expect(materials.files).toEqual([
      { payloads: [{ ...content, at: 0 }], size: 0x1000, confidential: false },
    ]);
    expect(steps.map(({ op }) => op)).toEqual(['mmap', 'mmap']);
    expect(steps[0]).toMatchObject({ file: { index: 0, offset: 0n }, protection: 'r-x' });
  });

  test('and not at page boundaries are read from there', () => {
    expect(short(segment(0x400000n, 0x2000n, { content: content(0x10, 0x1000, memory) }))).toEqual([
      'mmap 0x400000 +0x2000 rw-',
      'read 0x400000 +0x1000 file@0x10',
      'mprotect 0x400000 +0x2000 r-x',
    ]);
  });

  test('and confidential are read into hidden memory even when a file has them, aligned or not', () => {
    for (const offset of [0x1000, 0x1234]) {
      const { steps, materials } = stepsOf(
        segment(0x400000n, 0x1000n, { content: content(offset, 0x1000, secret) }),
      );
      expect(steps.map(({ op }) => op)).toEqual(['mmap', 'hide', 'read', 'discard', 'mprotect']);
      expect(materials.vault).toMatchObject({ confidential: true, payloads: [{ source: secret, offset }] });
      expect(materials.files).toEqual([materials.vault]);
    }
  });

  test('and confidential are given back as they are read, in pieces', () => {
    const size = 0x280_0000;
    const big: Source = { ...hugeSource(size, undefined), confidential: true };
    const { steps } = stepsOf(
      segment(0x400000n, BigInt(size), { content: content(0, size, big), protection: PROTECTION.rw }),
    );
    const moved = steps.flatMap((step) =>
      step.op === 'read' || step.op === 'discard' ? [[step.op, step.offset, step.size]] : [],
    );
    const pieces = [0x100_0000n, 0x100_0000n, 0x80_0000n];
    expect(moved).toEqual(
      pieces.flatMap((piece, index) => {
        const at = BigInt(index) * 0x100_0000n;
        return [
          ['read', at, piece],
          ['discard', at, piece],
        ];
      }),
    );
  });

  test('and shared by segments are there once, those of different sources apart', () => {
    const other: Source = { ...memory, name: 'other' };
    const { steps, materials } = stepsOf(
      segment(0x1000n, 0x1000n, { content: content(0x800, 0x800, memory) }),
      segment(0x2000n, 0x1000n, { content: content(0, 0x100, memory) }),
      segment(0x3000n, 0x2000n, { content: content(0x400, 0x1000, memory) }),
      segment(0x5000n, 0x1000n, { content: content(0x400, 0x1000, other) }),
      segment(0x6000n, 0x1000n, { content: content(0x500, 0x10, memory) }),
    );
    expect(materials.vault?.payloads).toEqual([
      { source: memory, offset: 0, size: 0x100, at: 0 },
      { source: memory, offset: 0x400, size: 0x1000, at: 0x1400 },
      { source: other, offset: 0x400, size: 0x1000, at: 0x3400 },
    ]);
    const reads = steps.flatMap((step) => (step.op === 'read' ? [[step.offset, step.size]] : []));
    expect(reads).toEqual([
      [0x1800n, 0x800n],
      [0x1400n, 0x1000n],
      [0x3400n, 0x1000n],
      [0x1500n, 0x10n],
    ]);
  });

  test('and confidential and shared stay until the vault is closed', () => {
    const { steps } = stepsOf(
      segment(0x1000n, 0x1000n, { content: content(0, 0x800, secret) }),
      segment(0x2000n, 0x1000n, { content: content(0x400, 0x800, secret) }),
    );
    expect(steps.filter(({ op }) => op === 'discard')).toEqual([]);
  });

  test('and only touching are in pages of their own', () => {
    const { materials } = stepsOf(
      segment(0x1000n, 0x1000n, { content: content(0, 1, memory) }),
      segment(0x2000n, 0x1000n, { content: content(1, 2, memory) }),
    );
    expect(materials.vault?.payloads.map(({ offset, size, at }) => [offset, size, at])).toEqual([
      [0, 1, 0],
      [1, 2, 0x1001],
    ]);
    expect(materials.vault?.size).toBe(0x2000);
  });
});

describe('segments that share pages', () => {
  test('a later one replaces exactly the shared pages, from the right place in the file', () => {
    const first = segment(0x400000n, 0x2000n, { content: content(0, 0x2000) });
    const second = segment(0x401000n, 0x2000n, {
      content: content(0x4000, 0x2000),
      protection: PROTECTION.rw,
    });
    expect(short(first, second)).toEqual([
      'mmap 0x400000 +0x2000 r-x file@0x0',
      'mmap 0x401000 +0x1000 rw- file@0x4000 replace',
      'mmap 0x402000 +0x1000 rw- file@0x5000',
    ]);
  });

  test('pages on both sides of an earlier one stay unreplaced', () => {
    const inner = segment(0x402000n, 0x1000n);
    const outer = segment(0x400000n, 0x5000n);
    expect(short(inner, outer)).toEqual([
      'mmap 0x402000 +0x1000 r-x',
      'mmap 0x400000 +0x2000 r-x',
      'mmap 0x402000 +0x1000 r-x replace',
      'mmap 0x403000 +0x2000 r-x',
    ]);
  });

  test('neighbouring earlier pages are replaced in one step', () => {
    const steps = short(segment(0x1000n, 0x1000n), segment(0x2000n, 0x1000n), segment(0x1000n, 0x2000n));
    expect(steps.at(-1)).toBe('mmap 0x1000 +0x2000 r-x replace');
  });

  test('segments that only touch replace nothing', () => {
    expect(short(segment(0x1000n, 0x1000n), segment(0x2000n, 0x1000n)).join()).not.toContain('replace');
  });
});

test('a file that several segments use is one file, counted from its own beginning', () => {
  const wrapped = fileLike(new Uint8Array(0x4000), 5, 'the same', 0x1000);
  const { materials } = stepsOf(
    segment(0x1000n, 0x1000n, { content: content(0, 0x1000) }),
    segment(0x2000n, 0x1000n, { content: content(0, 0x1000, wrapped) }),
    segment(0x3000n, 0x1000n, { content: content(0, 0x1000, fileLike(new Uint8Array(0x1000), 6)) }),
  );
  expect(materials.files).toMatchObject([
    { fd: 5, offset: 0 },
    { fd: 6, offset: 0 },
  ]);
});

test('four thousand segments, each over the one before, are planned in a moment', () => {
  const segments = Array.from({ length: 4096 }, (_, index) => segment(BigInt(index) * 0x1000n, 0x2000n));
  const started = performance.now();
  const { steps } = stepsOf(...segments);
  expect(steps).toHaveLength(1 + 4095 * 2);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('two thousand segments over two thousand others apart from each other are, too', () => {
  const apart = Array.from({ length: 2048 }, (_, index) => segment(BigInt(index) * 0x2000n, 0x1000n));
  const over = Array.from({ length: 2048 }, () => segment(0n, 0x1000_000n));
  const started = performance.now();
  const { steps } = stepsOf(...apart, ...over);
  // The first that lies over them is cut at each, the others find all of it mapped.
  expect(steps).toHaveLength(2048 + 2 * 2048 + 2047);
  expect(performance.now() - started).toBeLessThan(10_000);
});
