/** Reads XML of the strict kind that our own pictures are: every rule of a well-formed document that they could break. */
import { expect } from 'vitest';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** All text in it, markup taken away. */
  text: string;
  readonly children: XmlElement[];
}

const TAG = /<(\/?)([a-z]+)((?: [a-zA-Z][a-zA-Z0-9:-]*="[^"<]*")*)(\/?)>/y;
const TEXT = /[^<]+/y;
/** XML 1.0, section 2.2. */
const CHARACTERS = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** The document's root. Fails where an element is not closed where it should be, or a character stands for markup that is none. */
export function readXml(document: string): XmlElement {
  expect(CHARACTERS.test(document)).toBe(true);
  const top: XmlElement = { name: '', attributes: {}, text: '', children: [] };
  const open = [top];
  for (let at = 0; at < document.length; ) {
    TEXT.lastIndex = TAG.lastIndex = at;
    const text = TEXT.exec(document);
    const tag = text === null ? TAG.exec(document) : null;
    const inner = open.at(-1) as XmlElement;
    if (text !== null) for (const each of open) each.text += unescaped(text[0]);
    else if (tag === null) throw new Error(`no XML: ${document.slice(at, at + 80)}`);
    else {
      const [, closing, name = '', attributes = '', empty] = tag;
      if (closing !== '') expect(open.pop()?.name).toBe(name);
      else {
        const element: XmlElement = { name, attributes: attributesOf(attributes), text: '', children: [] };
        inner.children.push(element);
        if (empty === '') open.push(element);
      }
    }
    at += (text ?? tag)?.[0].length ?? 1;
  }
  expect(open).toEqual([top]);
  const [root] = top.children;
  if (root === undefined || top.children.length > 1) throw new Error('a document has one root');
  return root;
}

/** An element and all in it. */
export const elementsIn = (element: XmlElement): XmlElement[] => [
  element,
  ...element.children.flatMap(elementsIn),
];

function attributesOf(text: string): Record<string, string> {
  const found = [...text.matchAll(/ ([a-zA-Z0-9:-]+)="([^"]*)"/g)];
  const names = found.map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
  return Object.fromEntries(found.map(([, name, value = '']) => [name, unescaped(value)]));
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescaped(text: string): string {
  expect(text.replace(/&(?:amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/);
  return text.replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ENTITIES[name] ?? '');
}
