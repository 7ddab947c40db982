/**
 * Whether a command printed what a page says. A line `...` stands for any lines, and in a line for any text. Where the page
 * says that it varies, words
 * with a digit in them (numbers, dates, process IDs, keys) stand for others, and so does the space between columns.
 */
import type { Command } from './blocks.ts';

/** Shorter ones are found in too many places to mean the same thing everywhere. */
const SHORTEST_SEEN = 4;

/** What was seen in the place of such words goes into `seen`; a word that is there already must be that. */
export function compare(
  output: string,
  { output: expected, varying }: Pick<Command, 'output' | 'varying'>,
  seen: Map<string, string>,
): boolean {
  if (expected === undefined) return true;
  const words: string[] = [];
  const pattern = expected
    .split(/^\.\.\.\n/m)
    .map((part) => (varying ? varyingPattern(part, seen, words) : literal(part)))
    .join('(?:.*\\n)*?');
  const match = new RegExp(`^${pattern}$`).exec(output);
  if (match === null) return false;
  for (const [index, word] of words.entries()) {
    const found = match[index + 1] ?? '';
    if (word.length >= SHORTEST_SEEN && (seen.get(word) ?? found) !== found) return false;
    if (word.length >= SHORTEST_SEEN) seen.set(word, found);
  }
  return true;
}

const literal = (text: string): string =>
  text
    .split('...')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');

function varyingPattern(text: string, seen: ReadonlyMap<string, string>, words: string[]): string {
  return [...text.matchAll(/([0-9A-Za-z]+)|([ \t]+)|([^0-9A-Za-z \t]+)/g)]
    .map(([piece, word, space]) => {
      if (space !== undefined) return '[ \\t]+';
      if (word === undefined || !/\d/.test(word)) return literal(piece);
      const known = seen.get(word);
      if (known !== undefined) return literal(known);
      words.push(word);
      return '([0-9A-Za-z]+)';
    })
    .join('');
}
