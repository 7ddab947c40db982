/** What of SVG 1.1 a picture needs, as text; everything that comes in as text or a value is escaped. */

type Attributes = Readonly<Record<string, string | number>>;

/** A piece of a picture that `element`, `text` or `tooltip` made. */
export type Svg = string & { readonly svg: never };

export function element(name: string, attributes: Attributes, children: readonly Svg[] = []): Svg {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(shown(value))}"`);
  const open = `<${name}${written.join('')}`;
  return (children.length === 0 ? `${open}/>` : `${open}>\n${children.join('\n')}\n</${name}>`) as Svg;
}

/** Words at a place. */
export function text(x: number, y: number, words: string, attributes: Attributes = {}): Svg {
  const open = element('text', { x, y, ...attributes });
  return `${open.slice(0, -2)}>${escaped(words)}</text>` as Svg;
}

/** A whole picture on a ground of its own, described for those who cannot see it. */
export function picture(
  width: number,
  height: number,
  title: string,
  style: string,
  parts: readonly Svg[],
  description = '',
): string {
  const described = description === '' ? [] : [`<desc>${escaped(description)}</desc>`];
  const head = [`<title>${escaped(title)}</title>`, ...described, `<style>\n${style}\n</style>`] as Svg[];
  const ground = element('rect', { width, height, class: 'ground' });
  const svg = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' },
    [...head, ground, ...parts],
  );
  return `${svg}\n`;
}

function shown(value: string | number): string {
  return typeof value === 'number' ? `${Math.round(value * 100) / 100}` : value;
}

/** All that is no character in XML 1.0 (section 2.2), halves of surrogate pairs among it. */
const NO_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escaped(words: string): string {
  return words
    .replace(NO_CHARACTER, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
