/**
 * JSON (RFC 8259) with a place for every value, so that errors can say where. JSON.parse judges strings, numbers and
 * words; only what lies between them is read here. Stricter in two things: no name twice in an object, and no more
 * than a few levels.
 */
import { FormatError } from 'run-foreign/loader';

/** A manifest has three. */
const MAX_DEPTH = 8;
const BLANKS = /[ \t\n\r]*/y;
const TOKEN = /[{}[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}[\],:"]+/sy;
const LONGEST_SHOWN = 60;

export interface Json {
  readonly value: unknown;
  /** An error about the value at a JSON pointer (RFC 6901), or about the object it would be in. */
  error(message: string, pointer: string, value: unknown): FormatError;
}

/** What a text is to be, for messages. */
export interface Wanted {
  readonly name: string;
  /** What is said of one that is JSON and cannot be taken. */
  readonly refused: string;
}

const MANIFEST: Wanted = { name: 'manifest', refused: 'is no manifest that can be run' };

/** `start` is where the text begins in its file, bytes. Throws a FormatError. */
export function parseJson(text: string, start: number, what = MANIFEST): Json {
  const parser = new Parser(text, start, what);
  return { value: parser.document(), error: parser.error.bind(parser) };
}

/** A name or index as part of a JSON pointer. */
export const step = (name: string | number): string =>
  `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;

class Parser {
  readonly #text: string;
  readonly #start: number;
  readonly #what: Wanted;
  /** Of members where the name stands, of all else where the value does; in characters. */
  readonly #places = new Map<string, number>();
  #at = 0;

  constructor(text: string, start: number, what: Wanted) {
    this.#text = text;
    this.#start = start;
    this.#what = what;
  }

  document(): unknown {
    const value = this.#value('', 0);
    const [token, at] = this.#next();
    if (token !== '') throw this.#unexpected(token, at, '');
    return value;
  }

  error(message: string, pointer: string, value: unknown): FormatError {
    const place = this.#places.get(pointer) ?? this.#places.get(pointer.slice(0, pointer.lastIndexOf('/')));
    return this.#errorAt(message, place ?? 0, pointer, JSON.stringify(value));
  }

  #errorAt(message: string, at: number, pointer: string, found: string): FormatError {
    const offset = this.#start + Buffer.byteLength(this.#text.slice(0, at));
    const value = found.length > LONGEST_SHOWN ? `${found.slice(0, LONGEST_SHOWN)}...` : found;
    return new FormatError(message, { offset, field: pointer.slice(1) || `the ${this.#what.name}`, value });
  }

  #unexpected(token: string, at: number, pointer: string): FormatError {
    const found = token || this.#text.slice(at, at + 1) || 'its end';
    return this.#errorAt('is no JSON: it cannot go on like this', at, pointer, found);
  }

  /** A token and where it stands; an empty one at the end and before what cannot be one. */
  #next(): [string, number] {
    BLANKS.lastIndex = this.#at;
    BLANKS.test(this.#text);
    const at = BLANKS.lastIndex;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(this.#text)?.[0] ?? '';
    this.#at = at + token.length;
    if (token === '' && at < this.#text.length) throw this.#unexpected(token, at, '');
    return [token, at];
  }

  #value(pointer: string, depth: number): unknown {
    const [token, at] = this.#next();
    if (!this.#places.has(pointer)) this.#places.set(pointer, at);
    if (token !== '{' && token !== '[') return this.#scalar(token, at, pointer);
    if (depth === MAX_DEPTH)
      throw this.#errorAt(
        `${this.#what.refused}: it is nested more than ${MAX_DEPTH} deep`,
        at,
        pointer,
        token,
      );
    return token === '{' ? this.#object(pointer, depth + 1) : this.#array(pointer, depth + 1);
  }

  #scalar(token: string, at: number, pointer: string): unknown {
    try {
      return JSON.parse(token);
    } catch {
      throw this.#unexpected(token, at, pointer);
    }
  }

  #object(pointer: string, depth: number): unknown {
    // No prototype: a member may be called __proto__.
    const object: Record<string, unknown> = Object.create(null);
    for (let first = true; ; first = false) {
      let [token, at] = this.#next();
      if (token === '}' && first) return object;
      if (!token.startsWith('"')) throw this.#unexpected(token, at, pointer);
      const name = String(this.#scalar(token, at, pointer));
      const member = pointer + step(name);
      if (name in object)
        throw this.#errorAt(`${this.#what.refused}: it has a field twice`, at, member, token);
      this.#places.set(member, at);
      [token, at] = this.#next();
      if (token !== ':') throw this.#unexpected(token, at, member);
      object[name] = this.#value(member, depth);
      [token, at] = this.#next();
      if (token === '}') return object;
      if (token !== ',') throw this.#unexpected(token, at, pointer);
    }
  }

  #array(pointer: string, depth: number): unknown {
    const array: unknown[] = [];
    const before = this.#at;
    if (this.#next()[0] === ']') return array;
    this.#at = before;
    for (;;) {
      array.push(this.#value(pointer + step(array.length), depth));
      const [token, at] = this.#next();
      if (token === ']') return array;
      if (token !== ',') throw this.#unexpected(token, at, pointer);
    }
  }
}
