/**
 * Structures by their fields' names: a loader writes a header down as its specification does, reads it, and says what is
 * wrong with a field by its name; offset and value come by themselves.
 */
import type { FormatError } from '../errors.ts';
import type { Source } from '../source/source.ts';
import { type ByteOrder, Structure } from './structure.ts';

const SIZES = { u8: 1, u16: 2, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8 } as const;

/** A number of so many bits, or, as a number, so many bytes. */
export type FieldType = keyof typeof SIZES | number;
/** In the order in which they lie in the file, without gaps; name what is reserved, too. */
export type FieldTypes = Readonly<Record<string, FieldType>>;

type FieldValue<Type extends FieldType> = Type extends 'u64' | 'i64'
  ? bigint
  : Type extends number
    ? Uint8Array
    : number;

/** 64-bit fields are bigint. */
export type FieldValues<Types extends FieldTypes> = {
  readonly [Name in keyof Types]: FieldValue<Types[Name]>;
};

/** One structure of a file, read. */
export interface StructValue<Types extends FieldTypes> {
  readonly fields: FieldValues<Types>;
  /** File offset of its first byte. */
  readonly offset: number;
  /** `throw header.error('e_phnum', 'has too many program headers')`: with its file offset and value. */
  error(field: keyof Types & string, message: string): FormatError;
}

/** A description of a structure, as `struct` makes it. */
export interface Struct<Types extends FieldTypes> {
  /** Bytes. */
  readonly size: number;
  /** Where a field begins, bytes from the beginning. */
  offsetOf(field: keyof Types & string): number;
  /** Reads one at a file offset; a file that ends in it is a FormatError that calls it `what`. */
  read(source: Source, offset: number, what: string): Promise<StructValue<Types>>;
}

/** `struct('little', { magic: 4, version: 'u16', flags: 'u16', entry: 'u64' })` */
export function struct<const Types extends FieldTypes>(order: ByteOrder, types: Types): Struct<Types> {
  const offsets = new Map<string, number>();
  let size = 0;
  for (const [name, type] of Object.entries(types)) {
    offsets.set(name, size);
    size += typeof type === 'number' ? type : SIZES[type];
  }
  const offsetOf = (field: string): number => {
    const offset = offsets.get(field);
    if (offset === undefined) throw new RangeError(`there is no field ${field}`);
    return offset;
  };
  const readField = (structure: Structure, name: string, type: FieldType): bigint | number | Uint8Array => {
    const at = offsetOf(name);
    return typeof type === 'number' ? structure.bytes.subarray(at, at + type) : structure[type](at);
  };
  return {
    size,
    offsetOf,
    async read(source, offset, what) {
      const structure = await Structure.read(source, offset, size, what, order);
      const fields = Object.fromEntries(
        Object.entries(types).map(([name, type]) => [name, readField(structure, name, type)]),
      );
      return {
        fields: fields as FieldValues<Types>,
        offset,
        error(field, message) {
          const value = fields[field] ?? '';
          const shown = value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : value;
          return structure.error(message, offsetOf(field), field, shown);
        },
      };
    },
  };
}
