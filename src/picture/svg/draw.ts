/** A picture as SVG: one file that needs nothing else, in light and in dark, with low addresses at the top. */
import { permissions } from '../../image/permissions.ts';
import { cleaned } from '../label.ts';
import type { Picture, Region, StepLine } from '../model.ts';
import { addressText, regionSize } from '../region-text.ts';
import { drawColumn } from './column.ts';
import { drawLegend } from './legend.ts';
import { stepPill } from './row.ts';
import { CELL, STYLE, TITLE_CELL } from './style.ts';
import { shownText, words } from './words.ts';
import { element, picture, type Svg, text } from './xml.ts';

const MARGIN = 20;
const LINE = 18;
/** Between columns. */
const BETWEEN = 44;
const LEAST_WIDTH = 560;

export function svgPicture(shown: Picture): string {
  const parts: Svg[] = [];
  let top = MARGIN + 14 + LINE * (shown.facts.length + 1) + 22;
  const [first, ...others] = shown.columns;
  let [right, bottom] = [MARGIN, top];
  if (first !== undefined) {
    const drawn = drawColumn(first, MARGIN, top);
    parts.push(...drawn.parts);
    right = MARGIN + drawn.width;
    bottom = top + drawn.height;
    if (shown.steps !== undefined) {
      const steps = drawSteps(shown.steps, MARGIN, bottom + 24);
      parts.push(...steps.parts);
      right = Math.max(right, MARGIN + steps.width);
      bottom += 24 + steps.height;
    }
  }
  for (const column of others) {
    const x = right + BETWEEN;
    if (shown.steps !== undefined) parts.push(arrow(right + 12, x - 10, top - 4));
    const drawn = drawColumn(column, x, top);
    parts.push(...drawn.parts);
    right = x + drawn.width;
    bottom = Math.max(bottom, top + drawn.height);
  }
  const width = Math.ceil(Math.max(right + MARGIN, LEAST_WIDTH));
  const legend = drawLegend(shown, MARGIN, bottom + 20, width - 2 * MARGIN);
  parts.push(...legend.parts, ...heading(shown, width));
  top = bottom + 20 + legend.height + MARGIN;
  const title = cleaned(shown.title, 'any');
  return picture(width, Math.ceil(top), `Memory of ${title}`, STYLE, parts, description(shown));
}

function heading({ title, facts }: Picture, width: number): Svg[] {
  const cells = Math.floor((width - 2 * MARGIN) / CELL);
  const lines = [...facts, SCALE].map((fact, index) =>
    words(MARGIN, MARGIN + 14 + LINE * (index + 1), shownText(fact, cells), { class: 'quiet' }),
  );
  const name = shownText(title, Math.floor((width - 2 * MARGIN) / TITLE_CELL));
  return [words(MARGIN, MARGIN + 12, name, { class: 'title' }, TITLE_CELL), ...lines];
}

const SCALE = 'Low addresses at the top; heights grow with the logarithm of sizes, gaps are broken.';

function arrow(from: number, to: number, y: number): Svg {
  return element('path', {
    class: 'head',
    d: `M ${from} ${y - 2} H ${to - 8} v -4 l 8 6 l -8 6 v -4 H ${from} z`,
  });
}

function drawSteps(steps: readonly StepLine[], x: number, y: number) {
  const cells = Math.max(0, ...steps.map(({ numbers }) => numbers.length));
  const textX = x + (cells + 2) * CELL + 6;
  const parts: Svg[] = [text(x, y, 'Between: the steps of run-foreign plan', { class: 'strong' })];
  steps.forEach(({ numbers, text: what }, index) => {
    const line = y + 24 + index * 21;
    if (numbers !== '') parts.push(...stepPill(numbers, x + (cells - numbers.length) * CELL, line));
    parts.push(text(textX, line, what));
  });
  const longest = Math.max(38, ...steps.map(({ text: what }) => what.length + cells + 3));
  return { parts, width: longest * CELL, height: 24 + steps.length * 21 };
}

/** Regions that are told of to those who cannot see. */
const TOLD = 40;
/** Of a name, cells. */
const TOLD_NAME = 60;

function description({ columns, facts }: Picture): string {
  const told = columns.map(({ title, blocks }) => {
    const all = blocks.flatMap(({ base, regions, unplaced }) =>
      regions.slice(0, TOLD).map((region) => regionText(region, base, unplaced === true)),
    );
    const count = blocks.reduce((sum, { regions }) => sum + regions.length, 0);
    const left = count > TOLD ? `; and ${count - TOLD} more` : '';
    return `${shownText(title, TOLD_NAME)}: ${all.slice(0, TOLD).join('; ')}${left}.`;
  });
  return [...facts.map((fact) => `${shownText(fact, 2 * TOLD_NAME)}.`), ...told].join(' ');
}

function regionText(region: Region, base: string | undefined, unplaced: boolean): string {
  const { start, end, name, protection } = region;
  const access = protection === undefined ? '' : ` ${permissions(protection)}`;
  const size = end === start ? '' : `, ${regionSize([region], true)}`;
  return `${unplaced ? '' : `${addressText(start, base)} `}${shownText(name, TOLD_NAME)}${access}${size}`;
}
