/**
 * Names as a picture may show them. They come from files and loaders, and may be long, steer a terminal, run from right to
 * left, pile marks upon each other or be no text at all. Widths are in cells: the width of a letter in a monospaced font.
 */

/**
 * What may stand in a name: `ascii` is what every terminal shows, `known` what UTF-8 terminals agree on the width of,
 * `any` all that is text.
 */
export type Alphabet = 'ascii' | 'known' | 'any';

const ALLOWED: Record<Alphabet, RegExp> = {
  ascii: /^[ -~]$/,
  known:
    /^(?:[ -~]|[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]|[\uac00-\ud7a3])$/u,
  any: /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u,
};

const MARK = /^\p{M}$/u;
const WIDE =
  /^(?:\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}])$/u;
const ASCII = /^[ -~]*$/;
/** Nobody shows more than this of a name; UTF-16 code units at each end. */
const ENDS = 300;

/** The name, with a question mark for each character that may not stand there. */
export function cleaned(name: string, alphabet: Alphabet): string {
  const short = name.length > 2 * ENDS ? `${name.slice(0, ENDS)}${name.slice(-ENDS)}` : name;
  if (ASCII.test(short)) return short;
  let text = '';
  let bare = true;
  for (const character of short) {
    const isMark: boolean = MARK.test(character);
    // One mark on a letter: a pile of them would reach into other lines.
    const fits: boolean = ALLOWED[alphabet].test(character) && !(isMark && bare);
    if (fits || !isMark) text += fits ? character : '?';
    bare = isMark || !fits;
  }
  return text;
}

export function cellsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += cellsIn(character);
  return cells;
}

const cellsIn = (character: string): number => (MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/**
 * At most so many cells of a text: what is too long loses its middle, and a path its beginning, and shows so by `cut`,
 * which is one cell.
 */
export function fitted(text: string, cells: number, cut: string): string {
  if (cellsOf(text) <= cells) return text;
  if (cells < 1) return '';
  const last = text.slice(text.lastIndexOf('/') + 1);
  if (last !== text && cellsOf(last) < cells) return cut + ending(text, cells - 1);
  const head = withoutMark(taken([...last], Math.floor((cells - 1) / 2)).join(''));
  return head + cut + ending(last, cells - 1 - cellsOf(head));
}

const ending = (text: string, cells: number): string =>
  withoutMark(
    taken([...text].reverse(), cells)
      .reverse()
      .join(''),
  );

/** At the beginning of a piece a mark would stand on the wrong letter. */
const withoutMark = (text: string): string => text.replace(/^\p{M}+/u, '');

function taken(characters: readonly string[], cells: number): string[] {
  let [count, width] = [0, 0];
  for (const character of characters) {
    width += cellsIn(character);
    if (width > cells) break;
    count++;
  }
  return characters.slice(0, count);
}

/** The text and spaces behind it. */
export const padded = (text: string, cells: number): string =>
  text + ' '.repeat(Math.max(0, cells - cellsOf(text)));
