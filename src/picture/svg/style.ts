/** How a picture looks, in both colour schemes. A test computes the contrast of every colour that words have. */

/** Of one scheme, as #rrggbb. */
export interface Palette {
  readonly ground: string;
  readonly words: string;
  /** Words that matter less. */
  readonly quiet: string;
  /** Words that warn. */
  readonly warning: string;
  readonly line: string;
  /** Memory by what may be done with it. */
  readonly read: string;
  readonly write: string;
  readonly execute: string;
  readonly both: string;
  readonly none: string;
  readonly hatch: string;
  readonly filled: string;
}

export const LIGHT: Palette = {
  ground: '#ffffff',
  words: '#1f2328',
  quiet: '#57606a',
  warning: '#a40e26',
  line: '#8c959f',
  read: '#ddf0ff',
  write: '#fff1c2',
  execute: '#d3f5da',
  both: '#ffdcd7',
  none: '#f1f3f5',
  hatch: '#f3b8b0',
  filled: '#57606a',
};

export const DARK: Palette = {
  ground: '#0d1117',
  words: '#e6edf3',
  quiet: '#9ea7b3',
  warning: '#ff9d94',
  line: '#6e7681',
  read: '#12304f',
  write: '#453608',
  execute: '#123d22',
  both: '#55201c',
  none: '#1b2129',
  hatch: '#783029',
  filled: '#9ea7b3',
};

/** Of a character of the monospaced font, in pixels: none that is named below is wider. */
export const CELL = 7.3;
/** Of a character of the title. */
export const TITLE_CELL = (CELL * 17) / 12;

const FONT = `12px "DejaVu Sans Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace`;

const colours = (of: Palette): string =>
  `
text { fill: ${of.words} } .ground, .pill-words { fill: ${of.ground} } .quiet { fill: ${of.quiet} } .warning { fill: ${of.warning} }
.pill, .head { fill: ${of.words} } .edge, .lead { stroke: ${of.line} } .filled { fill: ${of.filled} } .strip, .strip-band { stroke: ${of.filled} }
.read { fill: ${of.read} } .write { fill: ${of.write} } .execute { fill: ${of.execute} } .both { fill: ${of.both} } .none { fill: ${of.none} }
.hatch { stroke: ${of.hatch} }
`.trim();

export const STYLE = `
text { font: ${FONT}; white-space: pre } .title { font-size: 17px; font-weight: 700 } .strong { font-weight: 700 }
.end { text-anchor: end } .middle { text-anchor: middle } .small { font-size: 11px }
.edge, .lead, .strip { fill: none; stroke-width: 1 } .dashed { stroke-dasharray: 4 3 } .hatch { stroke-width: 2 } .strip-band { stroke-width: 0.5 }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}`.trim();
