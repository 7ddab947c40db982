/** The picture of memory: what stands in it, and that nothing makes it too wide or too long. */
import { describe, expect, test } from 'vitest';
import type { ImagePart, Segment } from '../../src/image/image.ts';
import { cellsOf } from '../../src/picture/label.ts';
import { partBlock } from '../../src/picture/of-image.ts';
import { sizeText } from '../../src/picture/size-text.ts';
import { type TerminalStyle, terminalPicture } from '../../src/picture/terminal.ts';
import { memorySource } from '../../src/source/memory.ts';

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
const widest = (lines: string[]) => Math.max(...lines.map(cellsOf));
const picture = (of: ImagePart, style: TerminalStyle) => terminalPicture(partBlock(of), style);

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
  expect(lines.some((line) => /│ r-x {2}text +8 KiB zero │/.test(line))).toBe(true);
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
    expect(lines.some((line) => line.includes('(4048 more, 15.8 MiB in all)'))).toBe(true);
  });

  test('without segments the entry is left', () => {
    expect(picture(part([]), PLAIN)).toEqual(['               0x0   ◂ entry']);
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

describe('columns', () => {
  const names = [
    'größe',
    '測試測試',
    'データ',
    'Z\u0351\u0352\u0353algo',
    'مرحبا',
    '🎉 party',
    '\u202eevil',
    '\ud800',
    'x'.repeat(100_000),
  ];
  const program = part(
    names.map((name, index) => segment(BigInt(index) << 40n, 0x3000n, 'rwx', name)),
    0x1000n,
  );
  test.each([20, 40, 55, 79, 80, 132, 100_000])('%d: all sides of boxes stand below each other', (width) => {
    for (const unicode of [true, false]) {
      const lines = picture(program, { unicode, color: false, width });
      const used = widest(lines);
      expect(used).toBeLessThanOrEqual(Math.min(Math.max(width, 40), 80));
      const boxes = lines.filter((line) => line.includes('\u2502') || line.includes('|'));
      expect(boxes.length).toBeGreaterThanOrEqual(names.length);
      expect(new Set(boxes.map(cellsOf)).size).toBe(1);
      for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{M}]|[\u0590-\u08ff]/u);
      if (!unicode) expect(lines.join('')).toMatch(/^[ -~]*$/);
    }
  });

  test('names that terminals agree on are shown', () => {
    const text = picture(program, PLAIN).join('\n');
    for (const name of ['größe', '測試測試', 'データ', 'Zalgo', '????? ', '? party', '?evil'])
      expect(text).toContain(name);
  });
});

test('what can be written and executed is marked, and says so without colour', () => {
  const lines = picture(part([segment(0n, 0x1000n, 'rwx'), segment(0x1000n, 0x1000n, 'rw-')], -1n), PLAIN);
  expect(lines.filter((line) => line.includes('rwx! part'))).toHaveLength(1);
  expect(lines.at(-1)?.trim()).toBe('! written to and executed');
  expect(picture(part([segment(0n, 0x1000n, 'rw-')], -1n), PLAIN).join('')).not.toContain('!');
});

test('what is in no file is told', () => {
  const content = { source: memorySource(new Uint8Array(0x800), 'file'), offset: 0, size: 0x800 };
  const lines = picture(part([{ ...segment(0n, 0x2000n, 'rw-'), content }], -1n), PLAIN);
  expect(lines.some((line) => line.includes('part') && line.includes('8 KiB, 6 KiB zero'))).toBe(true);
});
