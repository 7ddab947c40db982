/** Pictures as files: well-formed, self-contained, readable in both schemes, and nothing written over anything else. */
import { describe, expect, test } from 'vitest';
import { cellsOf } from '../../src/picture/label.ts';
import type { Picture } from '../../src/picture/model.ts';
import { imagePicture } from '../../src/picture/of-image.ts';
import { planPicture } from '../../src/picture/of-plan.ts';
import { resumePicture } from '../../src/picture/of-resume.ts';
import { svgPicture } from '../../src/picture/svg/draw.ts';
import { DARK, LIGHT, type Palette, STYLE } from '../../src/picture/svg/style.ts';
import { planResume } from '../../src/plan/resume/resume.ts';
import { memorySource } from '../../src/source/memory.ts';
import { coreOf, loadCoreBytes } from '../support/cores.ts';
import { HANDMADE } from '../support/handmade.ts';
import { PROTECTION, segment, testImage } from '../support/images.ts';
import { planOf } from '../support/plans.ts';
import { randomProcess } from '../support/process-state.ts';
import { Random } from '../support/random.ts';
import { imageOf } from '../support/resolve.ts';
import { resumeHostOf } from '../support/resume-host.ts';
import { elementsIn, readXml, type XmlElement } from '../support/xml.ts';

const KINDS = [PROTECTION.r, PROTECTION.rx, PROTECTION.rw, PROTECTION.rwx];
const named = (names: readonly string[], distance = 0x3000n) =>
  testImage({
    segments: names.map((name, index) =>
      segment(BigInt(index) * distance, 0x1000n, { name, protection: KINDS[index % 4] ?? PROTECTION.r }),
    ),
  });

const HOSTILE = [
  '<script>alert("1")</script>',
  '&amp; &#60; ]]> <!--',
  `"' onload='x`,
  '\u0000\u0007\u001b[31m\u009b',
  '\u202eright to left\u202c \u2066\u2069\u200f',
  '\ud800 half \udc00',
  '\ufffe\uffff',
  'Z\u0351\u0352\u0353\u0354\u0300a\u0335\u0336',
  '測試 データ 🎉👨‍👩‍👧 مرحبا',
  'x'.repeat(100_000),
  '/long'.repeat(10_000),
];

const drawn = new Map<string, () => Promise<Picture> | Picture>([
  ['nothing', () => imagePicture(testImage({ segments: [] }), 'none', [])],
  ['hostile names', () => imagePicture(named(HOSTILE), HOSTILE.join(' '), HOSTILE)],
  [
    'all there is',
    () => imagePicture(testImage({ segments: [segment(0n, 1n << 64n), segment(1n << 63n, 1n)] }), 'huge', []),
  ],
  [
    '5000 segments',
    () => imagePicture(named(Array.from({ length: 5000 }, (_, index) => `PT_LOAD ${index}`)), 'many', []),
  ],
  [
    '65535 of one name that touch',
    () =>
      imagePicture(
        named(
          Array.from({ length: 65_535 }, () => 'same'),
          0x1000n,
        ),
        'many',
        [],
      ),
  ],
  ...Array.from({ length: 12 }, (_, seed): [string, () => Picture] => [
    `process ${seed}`,
    () => processOf(seed),
  ]),
  ...Array.from({ length: 12 }, (_, seed): [string, () => Picture] => [`image ${seed}`, () => imageAt(seed)]),
  ...Array.from({ length: 6 }, (_, seed): [string, () => Promise<Picture>] => [
    `resume ${seed}`,
    () => resumptionOf(seed),
  ]),
  ['a process with 30000 threads', () => crowded()],
  ...HANDMADE.flatMap((program): [string, () => Promise<Picture>][] => [
    [`image ${program.name}`, async () => imagePicture(await imageOf(program), program.name, [])],
    [
      `plan ${program.name}`,
      async () => planPicture(planOf(await imageOf(program), { argv: [], envp: HOSTILE.map(argument) }), []),
    ],
  ]),
]);

const argument = (text: string) => Buffer.from(`NAME=${text.slice(0, 1000).replaceAll('\0', '')}`);

function processOf(seed: number): Picture {
  const process = { state: randomProcess(new Random(seed)).state, objects: [] };
  return imagePicture(testImage({ segments: [], process }), 'a process', []);
}

/** Segments that lie anywhere, also over each other, and marks that lie anywhere, too. */
function imageAt(seed: number): Picture {
  const random = new Random(seed);
  const address = () => random.bigBelow(1n << BigInt(12 + random.below(52)));
  const segments = Array.from({ length: random.below(100) }, () =>
    segment(address(), address(), { name: random.pick(HOSTILE), protection: random.pick(KINDS) }),
  );
  const range = () => ({ start: address(), end: address() });
  const brk = { ...range(), randomize: random.chance(1, 2) };
  const image = testImage({ segments, entry: address(), code: range(), data: range(), brk });
  return imagePicture(
    { ...image, interpreter: { ...image, source: memorySource(new Uint8Array(), random.pick(HOSTILE)) } },
    'any',
    [],
  );
}

/** Without what this machine may not have. */
async function resumptionOf(seed: number): Promise<Picture> {
  const random = new Random(seed);
  const image = await loadCoreBytes(await coreOf(randomProcess(random)));
  if (image.process === undefined) throw new Error('no process');
  const state = { ...image.process.state, vdso: undefined };
  const process = { ...image.process, state };
  const invocation = { program: 'core', anyCpu: true };
  const { plan } = planResume({ ...image, process }, invocation, resumeHostOf(random, { vdso: undefined }));
  return resumePicture(plan, process, image.segments, []);
}

/** Half of them are at one place. */
function crowded(): Picture {
  const { state } = randomProcess(new Random(1));
  const [thread] = state.threads;
  if (thread === undefined) throw new Error('a process without threads');
  const threads = Array.from({ length: 30_000 }, (_, index) => {
    const rsp = index % 2 === 0 ? 0x1000n : BigInt(index) << 28n;
    return { ...thread, tid: index + 1, registers: { ...thread.registers, rsp } };
  });
  const process = { state: { ...state, threads }, objects: [] };
  return imagePicture(testImage({ segments: [], process }), 'crowded', []);
}

describe.each([...drawn])('%s', (_, picture) => {
  test('is one XML document that needs and runs nothing', async () => {
    const svg = svgPicture(await picture());
    expect(svg.length).toBeLessThan(200_000);
    const root = readXml(svg);
    expect(root).toMatchObject({ name: 'svg', attributes: { role: 'img' } });
    const names = new Set(elementsIn(root).map(({ name }) => name));
    expect([...names].filter((name) => !KNOWN.has(name))).toEqual([]);
    const attributes = elementsIn(root).flatMap((element) => Object.keys(element.attributes));
    expect(attributes.filter((name) => /^on|href|src|style/.test(name))).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity|url\(|@import/);
    expect(svg.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    const [title, description] = root.children;
    expect([title?.name, description?.name]).toEqual(['title', 'desc']);
    expect(description?.text.length).toBeGreaterThan(20);
  });

  test('says how it is to be read', async () => {
    const words = wordsOf(await picture());
    expect(words).toContain(
      'Low addresses at the top; heights grow with the logarithm of sizes, gaps are broken.',
    );
  });

  test('words do not meet, and stay inside', async () => {
    const root = readXml(svgPicture(await picture()));
    const { width, height } = root.attributes;
    const boxes = elementsIn(root)
      .filter(({ name }) => name === 'text')
      .map(boxOf);
    expect(boxes.length).toBeGreaterThan(3);
    for (const { left, right, top, bottom, text } of boxes) {
      expect([left >= 0, right <= Number(width), top >= 0, bottom <= Number(height), text]).toEqual([
        true,
        true,
        true,
        true,
        text,
      ]);
    }
    const rows = [...boxes].sort((one, other) => one.top - other.top);
    const met = rows.flatMap((one, index) =>
      rows
        .slice(index + 1, index + 60)
        .filter((other) => other.top < one.bottom && other.left < one.right && one.left < other.right)
        .map((other) => `${one.text} / ${other.text}`),
    );
    expect(met).toEqual([]);
  });
});

const KNOWN = new Set(['svg', 'title', 'desc', 'style', 'rect', 'text', 'path']);
/** Of the monospaced fonts that are named, none has wider letters, in parts of their size. */
const LETTER = 0.603;

function boxOf({ attributes, text }: XmlElement) {
  const classes = (attributes['class'] ?? '').split(' ');
  const size = classes.includes('title') ? 17 : classes.includes('small') ? 11 : 12;
  const width = Number(attributes['textLength'] ?? cellsOf(text) * size * LETTER);
  const x = Number(attributes['x']);
  const left = classes.includes('end') ? x - width : classes.includes('middle') ? x - width / 2 : x;
  const y = Number(attributes['y']);
  return { left, right: left + width, top: y - 0.76 * size, bottom: y + 0.22 * size, text };
}

test('every segment is there, with its addresses, access and size', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `part ${index}`);
  const words = wordsOf(imagePicture(named(names), 'some', []));
  for (const [index, name] of names.entries()) {
    expect(words).toContain(name);
    expect(words).toContain(`0x${(index * 0x3000).toString(16)}`);
    expect(words).toContain(`0x${(index * 0x3000 + 0x1000).toString(16)}`);
  }
  expect(words.filter((word) => word === 'rwx!')).toHaveLength(7);
  expect(words.filter((word) => word === '4 KiB zero')).toHaveLength(30);
  expect(words.filter((word) => word === 'gap, 8 KiB')).toHaveLength(29);
});

test('of thousands the marked ones are kept, and the others counted', () => {
  const names = Array.from({ length: 5000 }, (_, index) => `part ${index}`);
  const words = wordsOf(imagePicture({ ...named(names), entry: 2500n * 0x3000n }, 'many', []));
  expect(words).toContain('part 2500');
  const left = words.flatMap((word) => /^(\d+) more left out, [\d.]+ MiB$/.exec(word)?.[1] ?? []);
  expect(left).toHaveLength(2);
  const shown = words.filter((word) => /^part \d+$/.test(word)).length;
  expect(Number(left[0]) + Number(left[1]) + shown).toBe(5000);
});

const wordsOf = (picture: Picture): string[] =>
  elementsIn(readXml(svgPicture(picture)))
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);

test('marks that have no room are counted', () => {
  const { state } = randomProcess(new Random(1));
  const [thread] = state.threads;
  const [mapping] = state.mappings;
  if (thread === undefined || mapping === undefined) throw new Error('a process without threads or memory');
  const threads = Array.from({ length: 1000 }, (_, index) => {
    const registers = { ...thread.registers, rsp: mapping.start, rip: mapping.start };
    return { ...thread, tid: index, registers };
  });
  const process = { state: { ...state, threads }, objects: [] };
  const words = wordsOf(imagePicture(testImage({ segments: [], process }), 'crowded', []));
  const shown = words.join().match(/r[si]p of thread \d+/g)?.length ?? 0;
  expect(shown).toBeGreaterThan(6);
  expect(words).toContain(`and ${2000 - shown} more`);
});

test('hostile names are shown as text, or as what they are not', () => {
  const words = wordsOf(imagePicture(named(HOSTILE), 'hostile', []));
  expect(words).toContain('<script>alert("1")</script>');
  expect(words).toContain('&amp; &#60; ]]> <!--');
  expect(words).toContain('?right to left? ???');
  expect(words).toContain('? half ?');
});

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('in %s', (_, palette: Palette) => {
  test('all words have a contrast of 4.5 and more to what they stand on', () => {
    const { ground, words, quiet, warning, read, write, execute, both, none, hatch } = palette;
    const pairs = [
      ...[ground, read, write, execute, both, none, hatch].map((under) => [words, under]),
      [quiet, ground],
      ...[both, none, hatch].map((under) => [warning, under]),
      [ground, words],
    ];
    for (const [over = '', under = ''] of pairs)
      expect([contrast(over, under) >= 4.5, over, under]).toEqual([true, over, under]);
  });

  test('every colour is in the style', () => {
    for (const colour of Object.values(palette)) expect(STYLE).toContain(colour);
  });
});

/** WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
