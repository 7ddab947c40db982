/** A grid as a curve a column, over its lines in their order, on an axis that begins at zero. */

import { element, type Svg, text } from '../../src/picture/svg/xml.ts';
import type { Column } from '../row.ts';
import type { GridResult } from '../runner.ts';

const MARGIN = { left: 48, right: 12, top: 34, bottom: 28 };

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export function drawGrowth({ name, unit, columns, lines }: GridResult, box: Box): readonly Svg[] {
  const [left, right] = [box.x + MARGIN.left, box.x + box.width - MARGIN.right];
  const [top, bottom] = [box.y + MARGIN.top, box.y + box.height - MARGIN.bottom];
  const most = Math.max(...lines.flatMap(({ cells }) => cells.map(({ median }) => median))) * 1.1;
  const x = (index: number) => left + ((right - left) * (index + 0.5)) / lines.length;
  const y = (value: number) => bottom - ((bottom - top) * value) / most;
  const curve = (column: Column) => {
    const points = lines.flatMap(({ cells }, index): Point[] => {
      const cell = cells.find((each) => each.name === column.name);
      return cell === undefined ? [] : [{ x: x(index), y: y(cell.median) }];
    });
    return drawCurve(column, points);
  };
  return [
    text(box.x + 8, box.y + 16, name, { class: 'strong' }),
    ...ticksTo(most).flatMap((value) => [
      element('line', { x1: left, x2: right, y1: y(value), y2: y(value), class: 'grid' }),
      text(left - 6, y(value) + 4, `${value}`, { class: 'quiet end' }),
    ]),
    text(left - 6, top - 6, unit, { class: 'quiet end' }),
    ...lines.map((line, index) => text(x(index), bottom + 18, line.name, { class: 'quiet middle' })),
    ...columns.flatMap(curve),
  ];
}

/** Zero, and at most five multiples of 1, 2 or 5 of some unit. */
export function ticksTo(most: number): number[] {
  const unit = 10 ** Math.floor(Math.log10(most / 5));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((each) => most / each <= 5) ?? most;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(3)),
  );
}

function drawCurve({ ours }: Column, points: readonly Point[]): Svg[] {
  const kind = ours === true ? 'ours' : 'other';
  return [
    element('polyline', {
      points: points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '),
      class: `curve ${kind}`,
    }),
    ...points.map(({ x, y }) => element('circle', { cx: x, cy: y, r: 3, class: kind })),
  ];
}
