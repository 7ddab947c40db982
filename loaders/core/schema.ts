/**
 * How values stand in the JSON of our notes, said once for writing and for reading: numbers up to 2^53 as numbers, 64-bit ones
 * as `"0x1f"`, bytes as text where they are UTF-8 and as `{"hex": "ff00"}` where they are not. Reading checks everything
 * and says where something is wrong: `threads[2].registers.rip`.
 */

/** What a note holds that it may not: the path to it, and why. */
export class SchemaError extends Error {
  readonly path: string;
  readonly found: unknown;

  constructor(path: string, message: string, found: unknown) {
    super(message);
    this.path = path;
    this.found = found;
  }
}

export interface Schema<T> {
  toJson(value: T): unknown;
  /** Throws SchemaError. */
  fromJson(json: unknown, path: string): T;
}

const U64 = 2n ** 64n;

export const u64: Schema<bigint> = {
  toJson: (value) => `0x${value.toString(16)}`,
  fromJson(json, path) {
    if (typeof json !== 'string' || !/^0x[0-9a-f]{1,16}$/.test(json)) {
      throw new SchemaError(path, 'is no 64-bit number in hexadecimal', json);
    }
    const value = BigInt(json);
    if (value >= U64) throw new SchemaError(path, 'is no 64-bit number', json);
    return value;
  },
};

/** A whole number in a range. */
export function integer(least: number, most: number): Schema<number> {
  return {
    toJson: (value) => value,
    fromJson(json, path) {
      if (!Number.isSafeInteger(json) || (json as number) < least || (json as number) > most) {
        throw new SchemaError(path, `is no whole number from ${least} to ${most}`, json);
      }
      return json as number;
    },
  };
}

export const u32 = integer(0, 2 ** 32 - 1);
export const i32 = integer(-(2 ** 31), 2 ** 31 - 1);

export const boolean: Schema<boolean> = {
  toJson: (value) => value,
  fromJson(json, path) {
    if (typeof json !== 'boolean') throw new SchemaError(path, 'is neither true nor false', json);
    return json;
  },
};

/** Text of at most so many characters. */
export function text(most: number): Schema<string> {
  return {
    toJson: (value) => value,
    fromJson(json, path) {
      if (typeof json !== 'string' || json.length > most) {
        throw new SchemaError(path, `is no text of up to ${most} characters`, json);
      }
      return json;
    },
  };
}

/** Bytes, at most so many. `binary` ones are always written as hexadecimal digits. */
export function bytes(most: number, binary = false): Schema<Uint8Array> {
  return {
    toJson(value) {
      const buffer = Buffer.from(value);
      const asText = buffer.toString();
      return !binary && Buffer.from(asText).equals(buffer) ? asText : { hex: buffer.toString('hex') };
    },
    fromJson(json, path) {
      const value = typeof json === 'string' ? Buffer.from(json) : fromHex(json, path);
      if (value.length > most) throw new SchemaError(path, `has more than ${most} bytes`, value.length);
      return Uint8Array.from(value);
    },
  };
}

function fromHex(json: unknown, path: string): Buffer {
  const digits = isRecord(json) ? json['hex'] : undefined;
  if (typeof digits !== 'string' || digits.length % 2 !== 0 || !/^[0-9a-f]*$/.test(digits)) {
    throw new SchemaError(path, 'is neither text nor {"hex": "…"}', json);
  }
  return Buffer.from(digits, 'hex');
}

export function array<T>(item: Schema<T>, most: number): Schema<readonly T[]> {
  return {
    toJson: (value) => value.map((one) => item.toJson(one)),
    fromJson(json, path) {
      if (!Array.isArray(json)) throw new SchemaError(path, 'is no list', json);
      if (json.length > most) throw new SchemaError(path, `has more than ${most} entries`, json.length);
      return json.map((one, index) => item.fromJson(one, `${path}[${index}]`));
    },
  };
}

/** A value that may be missing. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    toJson: (value) => (value === undefined ? undefined : schema.toJson(value)),
    fromJson: (json, path) => (json === undefined ? undefined : schema.fromJson(json, path)),
  };
}

/** One of a few words. */
export function word<const T extends string>(words: readonly T[]): Schema<T> {
  return {
    toJson: (value) => value,
    fromJson(json, path) {
      const found = words.find((one) => one === json);
      if (found === undefined) throw new SchemaError(path, `is none of ${words.join(', ')}`, json);
      return found;
    },
  };
}

/** As many of the same as there are names, by name. */
export function named<N extends string, T>(
  names: readonly N[],
  schema: Schema<T>,
): Schema<Readonly<Record<N, T>>> {
  return object(
    Object.fromEntries(names.map((name) => [name, schema])) as { [K in N]: Schema<T> },
  ) as unknown as Schema<Readonly<Record<N, T>>>;
}

type Fields<T> = { readonly [K in keyof T]-?: Schema<T[K]> };

/** Fields that it does not know a reader passes over: a later version may have more. */
export function object<T extends object>(fields: Fields<T>): Schema<T> {
  const entries = Object.entries(fields) as [string, Schema<unknown>][];
  return {
    toJson: (value) =>
      Object.fromEntries(
        entries.map(([name, schema]) => [name, schema.toJson((value as Record<string, unknown>)[name])]),
      ),
    fromJson(json, path) {
      if (!isRecord(json)) throw new SchemaError(path, 'is no object', json);
      const found: Record<string, unknown> = {};
      for (const [name, schema] of entries) {
        const value = schema.fromJson(json[name], path === '' ? name : `${path}.${name}`);
        if (value !== undefined) found[name] = value;
      }
      return found as T;
    },
  };
}

/** An object whose field `kind` says which others it has. */
export function union<T extends { readonly kind: string }>(
  kinds: {
    readonly [K in T['kind']]: Schema<Extract<T, { readonly kind: K }>>;
  },
): Schema<T> {
  const known = kinds as Readonly<Record<string, Schema<unknown>>>;
  return {
    toJson: (value) => known[value.kind]?.toJson(value),
    fromJson(json, path) {
      const kind = isRecord(json) ? json['kind'] : undefined;
      const schema = typeof kind === 'string' && Object.hasOwn(known, kind) ? known[kind] : undefined;
      if (schema === undefined) {
        throw new SchemaError(`${path}.kind`, `is none of ${Object.keys(known).join(', ')}`, kind ?? json);
      }
      return schema.fromJson(json, path) as T;
    },
  };
}

/** A field that is always the same word. */
export function literal<const T extends string>(value: T): Schema<T> {
  return word([value]);
}

function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
