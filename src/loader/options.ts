/**
 * The options of loaders: what a loader declares, what the user gives (`--loader-opt NAME.KEY=VALUE`), and what comes of
 * the two. Whatever is wrong with them is wrong usage.
 */
import { ForeignError } from '../errors.ts';

/** One option of a loader. */
export interface OptionSpec {
  /** `integer` is written in decimal or with 0x, and not negative; a list is of the words to choose from. */
  readonly type: 'text' | 'integer' | 'flag' | readonly string[];
  /** For people: what it does, in some words without a full stop. */
  readonly help: string;
}

/** The options of a loader by key: lower-case letters, digits and `-`, a letter first. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type OptionValue<Type> = Type extends 'text'
  ? string
  : Type extends 'integer'
    ? bigint
    : Type extends 'flag'
      ? boolean
      : Type extends readonly (infer Word)[]
        ? Word
        : never;

/** What a loader gets of its options: a value for each that the user gave. */
export type OptionValues<Options extends OptionSpecs> = {
  readonly [Key in keyof Options]?: OptionValue<Options[Key]['type']> | undefined;
};

/** What is to be known of a loader here. */
interface WithOptions {
  readonly name: string;
  readonly options?: OptionSpecs | undefined;
}

/** One `NAME.KEY=VALUE` of the user's. */
export interface GivenOption {
  readonly loader: string;
  readonly key: string;
  readonly value: string;
}

/** Throws USAGE for an option that is of no loader, that its loader does not have, or whose value is no such thing. */
export function checkGivenOptions(given: readonly GivenOption[], loaders: readonly WithOptions[]): void {
  for (const { loader: name } of given) {
    if (loaders.some((loader) => loader.name === name)) continue;
    throw new ForeignError('USAGE', `--loader-opt is for the loader '${name}', and there is none`, {
      hint: `the loaders are ${loaders.map((loader) => loader.name).join(', ')}`,
    });
  }
  for (const loader of loaders) valuesFor(loader, given);
}

/** What `loader` gets of the options that were given; of two for a key the last counts. Throws USAGE. */
export function valuesFor(
  { name, options = {} }: WithOptions,
  given: readonly GivenOption[],
): OptionValues<OptionSpecs> {
  const own = given.filter(({ loader }) => loader === name);
  return Object.fromEntries(
    own.map(({ key, value }) => {
      const spec = Object.hasOwn(options, key) ? options[key] : undefined;
      if (spec === undefined) throw unknownKey(name, key, Object.keys(options));
      return [key, parseValue(spec, value, `--loader-opt ${name}.${key}`)];
    }),
  );
}

function unknownKey(name: string, key: string, known: readonly string[]): ForeignError {
  const hint = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return new ForeignError('USAGE', `the loader ${name} has no option '${key}'`, { hint });
}

/** The largest number that is an address or a size. */
const LARGEST = 2n ** 64n - 1n;

function parseValue({ type }: OptionSpec, text: string, what: string): string | bigint | boolean {
  const wrong = (wanted: string): ForeignError =>
    new ForeignError('USAGE', `${what} takes ${wanted}, not '${text}'`);
  if (type === 'text') return text;
  if (type === 'flag') {
    if (!['', 'true', 'false'].includes(text)) throw wrong('true or false');
    return text !== 'false';
  }
  if (type === 'integer') {
    if (!/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(text)) throw wrong('a number, as in 4096 or 0x1000');
    const value = BigInt(text);
    if (value > LARGEST) throw wrong('a number of at most 64 bits');
    return value;
  }
  if (!type.includes(text)) throw wrong(type.join(' or '));
  return text;
}
