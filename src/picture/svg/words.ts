/** Words for a picture: cleaned, and cut to the cells that there are. */
import { cellsOf, cleaned, fitted } from '../label.ts';
import { CELL } from './style.ts';
import { type Svg, text } from './xml.ts';

export const shownText = (words: string, cells: number): string => fitted(cleaned(words, 'any'), cells, '…');

/**
 * Words that keep to their cells in every font: where they are more than ASCII, the font may have other widths for them,
 * and is told.
 */
export function words(
  x: number,
  y: number,
  what: string,
  attributes: Readonly<Record<string, string>> = {},
  cell = CELL,
): Svg {
  if (/^[ -~…]*$/.test(what)) return text(x, y, what, attributes);
  const length = { textLength: cellsOf(what) * cell, lengthAdjust: 'spacingAndGlyphs' };
  return text(x, y, what, { ...attributes, ...length });
}
