/** The picture of what starts cost: every way of starting every program, and how a start grows. */

import { picture, type Svg, text } from '../../src/picture/svg/xml.ts';
import type { Report } from '../report.ts';
import { drawGrowth } from './growth.ts';
import { drawWays } from './ways.ts';

const WIDTH = 900;
const GROWTH_HEIGHT = 190;
const GROWTHS_A_ROW = 3;

/** Colours of both schemes tell the kinds apart in light as in dark. */
const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.strong { font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle }
.ground { fill: #ffffff } .grid { stroke: #d8dee4 } .quiet { fill: #59636e }
text.ours { fill: #0550ae; font-weight: 600 } circle.ours { fill: #0969da } line.ours, polyline.ours { stroke: #0969da }
circle.other { fill: #7b8590 } line.other, polyline.other { stroke: #7b8590 }
.stem { stroke-opacity: 0.35; stroke-width: 2 } .spread { stroke-width: 4; stroke-linecap: round }
.curve { fill: none; stroke-width: 1.5 } .budget { stroke: #bc4c00; stroke-width: 2 } text.budget { fill: #bc4c00; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .ground { fill: #0d1117 } .grid { stroke: #30363d } text.quiet { fill: #9198a1 }
text.ours { fill: #79c0ff } circle.ours { fill: #4493f8 } line.ours, polyline.ours { stroke: #4493f8 }
circle.other { fill: #848d97 } line.other, polyline.other { stroke: #848d97 }
.budget { stroke: #f0883e } text.budget { fill: #f0883e; stroke: none }
}`.trim();

/** As SVG. Throws where the grids that it shows were not measured. */
export function launchCostPicture({ machine, runs, date, grids }: Report): string {
  const ways = grids.find(({ picture }) => picture === 'ways');
  if (ways === undefined)
    throw new Error('a picture is of the group starts: it must be among those of --only');
  const growths = grids.filter(({ picture }) => picture === 'growth');
  const title = `What a start costs, as a ratio to ${ways.columns[0]?.name}`;
  const parts: Svg[] = [
    text(8, 24, title, { class: 'strong', style: 'font-size: 16px' }),
    text(
      8,
      44,
      `Medians of ${runs} interleaved rounds, bars from quartile to quartile; ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}; ${date.slice(0, 10)}`,
      { class: 'quiet' },
    ),
    text(8, 62, 'Blue is ours. ', { class: 'ours' }),
    text(96, 62, '| is the budget, where there is one.', { class: 'budget' }),
  ];
  const drawn = drawWays(ways, 76, WIDTH);
  parts.push(...drawn.parts);
  let top = 76 + drawn.height;
  if (growths.length > 0)
    parts.push(
      text(8, top + 4, 'Against what a start grows: the stub (blue) and posix_spawn', { class: 'strong' }),
    );
  const width = WIDTH / GROWTHS_A_ROW;
  growths.forEach((grid, index) => {
    const y = top + 14 + Math.floor(index / GROWTHS_A_ROW) * GROWTH_HEIGHT;
    parts.push(...drawGrowth(grid, { x: (index % GROWTHS_A_ROW) * width, y, width, height: GROWTH_HEIGHT }));
  });
  top += 14 + Math.ceil(growths.length / GROWTHS_A_ROW) * GROWTH_HEIGHT;
  return picture(WIDTH, top, title, STYLE, parts);
}
