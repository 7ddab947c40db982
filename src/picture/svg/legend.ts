/** What the signs of a picture mean: those that are in it. */
import type { Picture, Region } from '../model.ts';
import { CELL } from './style.ts';
import { element, type Svg, text } from './xml.ts';

interface Entry {
  readonly words: string;
  readonly sign: (x: number, y: number) => Svg[];
}

const LINE = 24;
const SIGN = 26;
const HEIGHT = 14;

/** `joined`: whether a box stands for several neighbours. */
export function drawLegend(
  { columns, steps }: Picture,
  joined: boolean,
  x: number,
  y: number,
  width: number,
) {
  const blocks = columns.flatMap((column) => column.blocks);
  const regions = blocks.flatMap((block) => block.regions);
  const entries: Entry[] = [
    ...ACCESS.filter(({ applies }) => regions.some(applies)),
    ...(regions.some(({ filled }) => filled !== undefined && filled > 0n) ? [FILLED] : []),
    ...(regions.some(({ filled, start, end }) => filled !== undefined && filled < end - start) ? [ZERO] : []),
    ...(joined ? [JOINED] : []),
    ...(blocks.some(({ somewhere }) => somewhere !== undefined) ? [FLOATING] : []),
    ...(steps === undefined ? [] : [STEP]),
  ];
  const parts: Svg[] = [];
  let [left, top] = [x, y];
  for (const { words, sign } of entries) {
    const room = SIGN + 8 + words.length * CELL + 22;
    if (left > x && left + room > x + width) [left, top] = [x, top + LINE];
    parts.push(...sign(left, top), text(left + SIGN + 8, top + 4, words, { class: 'quiet' }));
    left += room;
  }
  return { parts, height: top - y + LINE };
}

const box = (x: number, y: number, kind: string) => ({
  x,
  y: y - HEIGHT / 2,
  width: SIGN,
  height: HEIGHT,
  class: kind,
});

const swatch =
  (kind: string) =>
  (x: number, y: number): Svg[] => [element('rect', box(x, y, kind)), element('rect', box(x, y, 'edge'))];

const hatched = (x: number, y: number): Svg[] => [
  element('rect', box(x, y, 'both')),
  element('path', { class: 'hatch', d: `M ${x + 1} ${y + 6} l 12 -12 M ${x + 13} ${y + 6} l 12 -12` }),
  element('rect', box(x, y, 'edge')),
];

const ACCESS: readonly (Entry & { readonly applies: (region: Region) => boolean })[] = [
  {
    words: 'r-- read',
    sign: swatch('read'),
    applies: kind((write, execute, read) => read && !write && !execute),
  },
  { words: 'rw- written to', sign: swatch('write'), applies: kind((write, execute) => write && !execute) },
  { words: 'r-x executed', sign: swatch('execute'), applies: kind((write, execute) => execute && !write) },
  { words: 'rwx! both: a weak spot', sign: hatched, applies: kind((write, execute) => write && execute) },
  {
    words: '--- no access',
    sign: swatch('none'),
    applies: kind((write, execute, read) => !(read || write || execute)),
  },
];

function kind(test: (write: boolean, execute: boolean, read: boolean) => boolean) {
  return ({ protection }: Region): boolean =>
    protection !== undefined && test(protection.write, protection.execute, protection.read);
}

const FILLED: Entry = {
  words: 'bytes from a file',
  sign: (x, y) => [element('rect', { ...box(x, y, 'filled'), x: x + 8, width: 10 })],
};
const ZERO: Entry = {
  words: 'zero at first',
  sign: (x, y) => [element('rect', { ...box(x, y, 'strip'), x: x + 8, width: 10 })],
};
const JOINED: Entry = {
  words: 'neighbours of one name, a band each',
  sign: (x, y) =>
    ['read', 'execute', 'write'].map((kind, index) =>
      element('rect', { x: x + 8, y: y - 7 + index * 5, width: 10, height: 5, class: `${kind} strip-band` }),
    ),
};
const FLOATING: Entry = {
  words: 'where it is, is known only at run time',
  sign: (x, y) => [element('rect', box(x, y, 'edge dashed'))],
};
const STEP: Entry = {
  words: 'steps of run-foreign plan',
  sign: (x, y) => [
    element('rect', { x, y: y - 8, width: SIGN, height: 16, rx: 8, class: 'pill' }),
    text(x + SIGN / 2, y + 4, '7', { class: 'middle pill-words small' }),
  ],
};
