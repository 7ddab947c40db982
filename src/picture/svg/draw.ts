/** A picture as SVG: one file that needs nothing else, in light and in dark, with low addresses at the top. */
import { permissions } from '../../image/permissions.ts';
import type { Picture, Region, StepLine } from '../model.ts';
import { addressText, regionSize } from '../region-text.ts';
import { type Drawn, drawColumn } from './column.ts';
import { drawLegend } from './legend.ts';
import { stepPill } from './row.ts';
import { CELL, STYLE, TITLE_CELL } from './style.ts';
import { shownText, words } from './words.ts';
import { element, picture, type Svg, text } from './xml.ts';

const MARGIN = 20;
const LINE = 18;
/** Between columns. */
const BETWEEN = 44;

export function svgPicture(shown: Picture): string {
  const top = MARGIN + 14 + LINE * (shown.facts.length + 1) + 22;
  const columns = drawColumns(shown, top);
  const width = Math.ceil(Math.max(columns.width + 2 * MARGIN, LEAST_WIDTH));
  const legendTop = top + columns.height + 20;
  const legend = drawLegend(shown, columns.joined, MARGIN, legendTop, width - 2 * MARGIN);
  const height = Math.ceil(legendTop + legend.height);
  const parts = [...heading(shown, width), ...columns.parts, ...legend.parts];
  const title = `Memory of ${shownText(shown.title, TOLD_NAME)}`;
  return picture(width, height, title, STYLE, parts, description(shown));
}

/** Side by side; the steps below the first, from where an arrow leads to the second. */
function drawColumns({ columns, steps }: Picture, top: number): Drawn {
  let [width, height] = [0, 0];
  const drawn = columns.map((column, index): Drawn => {
    const x = index === 0 ? MARGIN : MARGIN + width + BETWEEN;
    const own = drawColumn(column, x, top);
    const list = index === 0 && steps !== undefined ? drawSteps(steps, x, top + own.height + 24) : NOTHING;
    const lead = index > 0 && steps !== undefined ? [arrow(x - BETWEEN + 12, x - 10, top - 4)] : [];
    width = x - MARGIN + Math.max(own.width, list.width);
    height = Math.max(height, own.height + list.height);
    return { ...own, parts: [...lead, ...own.parts, ...list.parts] };
  });
  const joined = drawn.some((each) => each.joined);
  return { parts: drawn.flatMap(({ parts }) => parts), width, height, joined };
}

const NOTHING: Drawn = { parts: [], width: 0, height: 0, joined: false };

function heading({ title, facts }: Picture, width: number): Svg[] {
  const cells = Math.floor((width - 2 * MARGIN) / CELL);
  const lines = [...facts, SCALE].map((fact, index) =>
    words(MARGIN, MARGIN + 14 + LINE * (index + 1), shownText(fact, cells), { class: 'quiet' }),
  );
  const name = shownText(title, Math.floor((width - 2 * MARGIN) / TITLE_CELL));
  return [words(MARGIN, MARGIN + 12, name, { class: 'title' }, TITLE_CELL), ...lines];
}

const SCALE = 'Low addresses at the top; heights grow with the logarithm of sizes, gaps are broken.';
/** What that needs. */
const LEAST_WIDTH = 2 * MARGIN + SCALE.length * CELL;

function arrow(from: number, to: number, y: number): Svg {
  return element('path', {
    class: 'head',
    d: `M ${from} ${y - 2} H ${to - 8} v -4 l 8 6 l -8 6 v -4 H ${from} z`,
  });
}

function drawSteps(steps: readonly StepLine[], x: number, y: number): Drawn {
  const cells = Math.max(0, ...steps.map(({ numbers }) => numbers.length));
  const textX = x + (cells + 2) * CELL + 6;
  const parts: Svg[] = [text(x, y, 'Between: the steps of run-foreign plan', { class: 'strong' })];
  steps.forEach(({ numbers, text: what }, index) => {
    const line = y + 24 + index * 21;
    if (numbers !== '') parts.push(...stepPill(numbers, x + (cells - numbers.length) * CELL, line));
    parts.push(text(textX, line, what));
  });
  const longest = Math.max(38, ...steps.map(({ text: what }) => what.length + cells + 3));
  return { parts, width: longest * CELL, height: 48 + steps.length * 21, joined: false };
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
