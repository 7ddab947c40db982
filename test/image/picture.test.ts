/** The picture of memory: what stands in it, and that nothing makes it too wide or too long. */
import { describe, expect, test } from 'vitest';
import type { ImagePart, Segment } from '../../src/image/image.ts';
import { picture, sizeText } from '../../src/image/picture.ts';

const PLAIN = { unicode: true, color: false };
const protection = (text: string) => ({
  read: text[0] === 'r',
  write: text[1] === 'w',
  execute: text[2] === 'x',
});
const segment = (address: bigint, size: bigint, rwx: string, name = 'part'): Segment => ({
  name,
  address,
  size,
  protection: protection(rwx),
});
const part = (segments: Segment[], entry = 0n): ImagePart => ({
  placement: { kind: 'fixed' },
  segments,
  entry,
});
const widest = (lines: string[]) => Math.max(...lines.map((line) => [...line].length));

test('neighbours share a border, a gap is broken', () => {
  const lines = picture(
    part(
      [
        segment(0x401000n, 0x1800n, 'r-x', 'text'),
        segment(0x403000n, 0x1000n, 'rw-', 'data'),
        segment(0x500000n, 0x1000n, 'r--', 'far'),
      ],
      0x401010n,
    ),
    PLAIN,
  );
  const bar = '─'.repeat(56);
  expect(lines.filter((line) => line.includes('─'))).toEqual([
    `          0x401000 ┌${bar}┐`,
    `          0x403000 ├${bar}┤`,
    `          0x404000 └${bar}┘`,
    `          0x500000 ┌${bar}┐`,
    `          0x501000 └${bar}┘`,
  ]);
  expect(lines.some((line) => /│ r-x {2}text +8 KiB │/.test(line))).toBe(true);
  expect(lines.some((line) => line.includes('◂ entry 0x401010'))).toBe(true);
  expect(lines.some((line) => /╎ {2}gap, 1008 KiB +╎/.test(line))).toBe(true);
});

test('a later segment hides what it lies over', () => {
  const lines = picture(
    part([segment(0x1000n, 0x4000n, 'r--', 'below'), segment(0x2000n, 0x1000n, 'rw-', 'above')]),
    PLAIN,
  );
  const borders = lines.flatMap((line) => /0x[0-9a-f]+(?= [┌├└])/.exec(line)?.[0] ?? []);
  expect(borders).toEqual(['0x1000', '0x2000', '0x3000', '0x5000']);
  expect(lines.filter((line) => line.includes('below'))).toHaveLength(2);
});

describe('limits', () => {
  const huge = part([
    segment(0n, 1n << 47n, 'rwx', 'x'.repeat(500)),
    segment((1n << 64n) - 4096n, 4096n, 'r--'),
  ]);

  test('height grows with size, and not for ever', () => {
    const height = (size: bigint) => picture(part([segment(0n, size, 'r--')], -1n), PLAIN).length;
    const heights = [0x1000n, 0x20000n, 0x200000n, 0x10000000n, 1n << 46n].map(height);
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
    expect(new Set(heights).size).toBeGreaterThan(2);
    expect(height(1n << 46n)).toBe(height(1n << 40n));
  });

  test('never wider than 80 columns', () => {
    expect(widest(picture(huge, PLAIN))).toBeLessThanOrEqual(80);
    expect(widest(picture(huge, { unicode: false, color: false }))).toBeLessThanOrEqual(80);
  });

  test('thousands of segments are cut short', () => {
    const many = Array.from({ length: 4096 }, (_, index) => segment(BigInt(index) * 0x2000n, 0x1000n, 'r--'));
    const lines = picture(part(many), PLAIN);
    expect(lines.length).toBeLessThan(300);
    expect(lines.some((line) => line.includes('(4048 more)'))).toBe(true);
  });

  test('no segments, no lines', () => {
    expect(picture(part([]), PLAIN)).toEqual([]);
  });
});

test('ASCII has nothing else, also where a name does', () => {
  const lines = picture(part([segment(0n, 0x1000n, 'r-x', 'größe\u001b[31m')], 0n), {
    unicode: false,
    color: false,
  });
  expect(lines.join('')).toMatch(/^[ -~]*$/);
  expect(widest(lines)).toBeLessThanOrEqual(80);
});

test('colours by permission, and only when asked for', () => {
  const both = part(
    [segment(0n, 0x1000n, 'r-x'), segment(0x1000n, 0x1000n, 'rw-'), segment(0x2000n, 0x1000n, 'rwx')],
    -1n,
  );
  const ESC = String.fromCharCode(27);
  expect(picture(both, PLAIN).join('')).not.toContain(ESC);
  const colored = picture(both, { unicode: true, color: true });
  expect(colored.flatMap((line) => line.split(`${ESC}[`)[1]?.slice(0, 2) ?? [])).toEqual(['32', '33', '31']);
  const plain = colored.map((line) =>
    line
      .split(ESC)
      .map((text, index) => (index === 0 ? text : text.replace(/^\[\d+m/, '')))
      .join(''),
  );
  expect(plain).toEqual(picture(both, PLAIN));
});

test.each([
  [0n, '0 bytes'],
  [1023n, '1023 bytes'],
  [1024n, '1 KiB'],
  [1536n, '1.5 KiB'],
  [1n << 47n, '128 TiB'],
])('%d bytes are %s', (bytes, shown) => {
  expect(sizeText(bytes)).toBe(shown);
});
