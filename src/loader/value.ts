/** A value of which nothing is known, and where it stands in what it was found in. */

/** Something is not what it must be. The message names its place and its kind, never its content. */
export class Nonsense extends Error {
  override readonly name = 'Nonsense';

  constructor(value: Value, what: string) {
    super(`${value.path === '' ? 'it' : value.path} ${what}`);
  }
}

/** More elements than any list has in a program that can be run. */
const MAX_LENGTH = 2 ** 20;
/** More characters than any name has. */
const MAX_TEXT = 2 ** 16;

export class Value {
  readonly #value: unknown;
  /** As it would be written: `image.segments[0].address`; empty for the whole. */
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.path = path;
  }

  /** The member of an object; undefined where it has none. */
  at(name: string): Value {
    const object = this.object();
    return new Value(object[name], this.path === '' ? name : `${this.path}.${name}`);
  }

  object(): Record<string, unknown> {
    if (typeof this.#value !== 'object' || this.#value === null) throw this.#isNo('object');
    return this.#value as Record<string, unknown>;
  }

  isObject(): boolean {
    return typeof this.#value === 'object' && this.#value !== null;
  }

  isArray(): boolean {
    return Array.isArray(this.#value);
  }

  /** undefined stays undefined. */
  maybe<T>(read: (value: Value) => T): T | undefined {
    return this.#value === undefined ? undefined : read(this);
  }

  bigint(): bigint {
    if (typeof this.#value !== 'bigint') throw this.#isNo('bigint');
    return this.#value;
  }

  isBigint(): boolean {
    return typeof this.#value === 'bigint';
  }

  isNumber(): boolean {
    return typeof this.#value === 'number';
  }

  number(): number {
    if (typeof this.#value !== 'number') throw this.#isNo('number');
    return this.#value;
  }

  /** A whole number that is not negative. */
  count(): number {
    const value = this.number();
    if (!Number.isSafeInteger(value) || value < 0) throw new Nonsense(this, 'is no whole number from 0 on');
    return value;
  }

  below(limit: number): number {
    const value = this.count();
    if (value >= limit) throw new Nonsense(this, `is not below ${limit}`);
    return value;
  }

  boolean(): boolean {
    if (typeof this.#value !== 'boolean') throw this.#isNo('boolean');
    return this.#value;
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.#isNo('string');
    if (this.#value.length > MAX_TEXT) throw new Nonsense(this, `has more than ${MAX_TEXT} characters`);
    return this.#value;
  }

  bytes(): Uint8Array {
    if (!(this.#value instanceof Uint8Array)) throw this.#isNo('Uint8Array');
    return this.#value;
  }

  /** Bytes that can stand in argv, in the environment or as a path. */
  cString(): Uint8Array {
    const bytes = this.bytes();
    if (bytes.includes(0)) throw new Nonsense(this, 'has a NUL inside');
    return bytes;
  }

  isFunction(): boolean {
    return typeof this.#value === 'function';
  }

  /** What it takes and returns is the caller's guess. */
  asFunction<Type extends (...args: never[]) => unknown>(): Type {
    if (typeof this.#value !== 'function') throw this.#isNo('function');
    return this.#value as Type;
  }

  oneOf<const Choice extends string | number | null>(choices: readonly Choice[]): Choice {
    const found = choices.find((choice) => choice === this.#value);
    if (found !== undefined) return found;
    const names = choices.map((choice) => (typeof choice === 'string' ? `'${choice}'` : String(choice)));
    throw new Nonsense(this, `is none of ${names.join(', ')}`);
  }

  length(): number {
    if (!Array.isArray(this.#value)) throw this.#isNo('array');
    const { length } = this.#value;
    if (length > MAX_LENGTH) throw new Nonsense(this, `has more than ${MAX_LENGTH} elements`);
    return length;
  }

  list<T>(read: (value: Value) => T): T[] {
    const length = this.length();
    const array = this.#value as readonly unknown[];
    return Array.from({ length }, (_, index) => read(new Value(array[index], `${this.path}[${index}]`)));
  }

  #isNo(what: string): Nonsense {
    const found = this.#value === null ? 'null' : Array.isArray(this.#value) ? 'array' : typeof this.#value;
    return new Nonsense(this, `is no ${what} (${found})`);
  }
}
