/**
 * What may stand in a configuration: the options of a start, by the names that they have on the command line, for all programs or, in
 * `programs`, for some. Reads nothing; what is wrong is said of the place where it stands.
 */
import { resolve } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { Value } from '../../loader/value.ts';
import { RUN_TOPIC } from '../help.ts';
import { toText } from '../invocation.ts';
import type { Found } from '../option-layers.ts';
import { type OptionName, optionSpec } from '../option-specs.ts';
import { optionsOf } from '../option-values.ts';

/** Options that a part may have; `loaders` stands in for --loader. Those with an optional value look into a single start. */
export const FIELDS: readonly OptionName[] = RUN_TOPIC.options.filter(
  (name) => !['loader', 'version', 'help'].includes(name) && optionSpec(name).kind !== 'optional',
);

/** What is about one program is in no other place than its part. */
export const ONE_PROGRAM: readonly OptionName[] = ['sha256', 'argv0'];
/** What may be a number in JSON. */
export const NUMBERS: readonly OptionName[] = ['loader-timeout', 'max-size'];
/** Lists of pairs, which may be objects. */
export const PAIRS: readonly OptionName[] = ['env', 'loader-opt'];
/** What counts from the directory that the configuration lies in. */
const PATHS: readonly OptionName[] = ['stdin', 'identity', 'verify-key'];
/** What stands there and is no path: standard input, a descriptor, a public key. */
const NO_PATH = /^(-|fd:\d+|RW[A-Za-z0-9+/]{54})$/;

/** More parts than anybody writes. */
const MAX_PROGRAMS = 10_000;
const MAX_LIST = 10_000;

/** The general part, or that of some programs. */
export interface Part {
  /** As it stands in `programs`; undefined for the general part. */
  readonly key: string | undefined;
  readonly values: Found;
  /** Names of loaders, and in a script loaders themselves. */
  readonly loaders: readonly (string | Value)[];
}

/** What counts for a start. */
export interface Applied {
  readonly file: string;
  /** Those that are about the program, the most general first. */
  readonly parts: readonly Part[];
}

export interface Surroundings {
  /** Where the file lies. */
  readonly directory: string;
  /** What `~/` stands for. */
  readonly home: string | undefined;
}

/** Names and indices, from the outside in. */
export type Place = readonly (string | number)[];

/** Something is not what it must be. */
export class Misfit extends Error {
  readonly place: Place;
  readonly value: unknown;

  constructor(message: string, place: Place, value: unknown) {
    super(message);
    this.place = place;
    this.value = value;
  }
}

/** As it would be written in JavaScript: `programs["/opt/x"].env`. */
export const placeText = (place: Place): string =>
  place
    .map((step) =>
      typeof step === 'string' && /^[\w$-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
    )
    .join('')
    .replace(/^\./, '');

/** The general part first. Throws Misfit. */
export function partsOf(value: unknown, around: Surroundings): Part[] {
  const { programs = {}, $schema, ...general } = objectAt(value, []);
  if ($schema !== undefined) textAt($schema, ['$schema']);
  const parts = Object.entries(objectAt(programs, ['programs']));
  if (parts.length > MAX_PROGRAMS) throw new Misfit(`has more than ${MAX_PROGRAMS} parts`, ['programs'], '');
  return [
    partOf(undefined, general, [], around),
    ...parts.map(([key, fields]) => {
      checkKey(key);
      return partOf(key, objectAt(fields, ['programs', key]), ['programs', key], around);
    }),
  ];
}

/** A name, the path of a file or, with a slash at its end, of a directory, or the same with a URL. */
export const KEY = /^(?:[^/\0]+|(?:~?\/|https?:\/\/)[^\0]*)$/;

function checkKey(key: string): void {
  const place = ['programs', key];
  if (!KEY.test(key))
    throw new Misfit('is no name, no path that begins with / or ~/, and no http or https URL', place, key);
  if (/[*?]/.test(key) && !key.includes('://'))
    throw new Misfit('has a wildcard, and there are none: /opt/old/ is all that lies below', place, key);
}

function partOf(
  key: string | undefined,
  { loaders = [], ...fields }: Readonly<Record<string, unknown>>,
  at: Place,
  around: Surroundings,
): Part {
  const values: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(fields)) {
    const place = [...at, field];
    const name = FIELDS.find((each) => each === field);
    if (name === undefined) throw unknownField(field, value, place);
    if (key === undefined && ONE_PROGRAM.includes(name))
      throw new Misfit('is about one program: it stands in programs, below the name of that', place, value);
    const found = valueAt(name, value, place, around);
    if (found !== undefined) values[name] = checked(name, found, value, place);
  }
  const named = listAt(loaders, [...at, 'loaders']).map((each, index) =>
    typeof each === 'object' && each !== null
      ? new Value(each, placeText([...at, 'loaders', index]))
      : textAt(each, [...at, 'loaders', index]),
  );
  return { key, values, loaders: named };
}

function unknownField(field: string, value: unknown, place: Place): Misfit {
  const meant = { loader: 'loaders', program: 'programs', options: 'the options themselves' }[field];
  const known = meant ?? `loaders, ${place.length === 1 ? 'programs, ' : ''}${FIELDS.join(', ')}`;
  return new Misfit(`is no field; there is ${known}`, place, value);
}

/** As the option would have it; undefined where it is as if it was not given. */
function valueAt(name: OptionName, value: unknown, place: Place, around: Surroundings): unknown {
  const { kind } = optionSpec(name);
  const text = (each: unknown, at: Place) => toText(Buffer.from(textFor(name, each, at, around)));
  if (kind === 'flag') {
    if (typeof value !== 'boolean') throw new Misfit('must be true or false', place, value);
    return value;
  }
  if (kind === 'optional' && typeof value === 'boolean') return value ? '' : undefined;
  if (kind !== 'list') return text(value, place);
  if (PAIRS.includes(name) && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).map(([key, each]) => {
      if (key.includes('=')) throw new Misfit('has a = in its name', [...place, key], each);
      // A flag of a loader is true or false, an address a number.
      const simple = name === 'loader-opt' && ['boolean', 'number'].includes(typeof each);
      return toText(Buffer.from(`${key}=${textAt(simple ? String(each) : each, [...place, key])}`));
    });
  }
  if (typeof value === 'string') return [text(value, place)];
  return listAt(value, place).map((each, index) => text(each, [...place, index]));
}

function textFor(name: OptionName, value: unknown, place: Place, { directory, home }: Surroundings): string {
  const text = textAt(typeof value === 'number' && NUMBERS.includes(name) ? String(value) : value, place);
  if (!PATHS.includes(name) || NO_PATH.test(text)) return text;
  if (text === '') throw new Misfit('is empty', place, value);
  if (/^AGE-SECRET-KEY-/i.test(text))
    throw new Misfit('is a key, and must be the name of a file that holds it', place, '...');
  return text.startsWith('~/') && home !== undefined
    ? resolve(home, text.slice(2))
    : resolve(directory, text);
}

/** What the command line would refuse is refused here, where it can be said where it stands. */
function checked(name: OptionName, found: unknown, value: unknown, place: Place): unknown {
  try {
    optionsOf({ args: { [name]: found }, environment: {} });
    return found;
  } catch (cause) {
    if (!(cause instanceof ForeignError)) throw cause;
    throw new Misfit(cause.message.replace(`--${name} `, ''), place, value);
  }
}

function objectAt(value: unknown, place: Place): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Misfit('must be an object', place, value);
}

function listAt(value: unknown, place: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw new Misfit('must be a list', place, value);
  if (value.length > MAX_LIST) throw new Misfit(`has more than ${MAX_LIST} elements`, place, '');
  return value;
}

function textAt(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw new Misfit('must be text', place, value);
  if (/\0/.test(value)) throw new Misfit('has a NUL inside', place, value);
  return value;
}
