/**
 * How yargs reads our own options (option-specs.ts) from the arguments and from their twins in the environment.
 * Arguments come as latin1 text so that no byte is lost, and what follows PROGRAM is never taken from yargs: only
 * how much of it there is.
 */
import type { ForeignError } from '../errors.ts';
import { environmentValue } from '../launch/environment.ts';
import type { Applied } from './config/fields.ts';
import { NO } from './ending.ts';
import { TOPICS } from './help.ts';
import { toBytes, toText } from './invocation.ts';
import { listIn } from './lists.ts';
import { didYouMean } from './nearest.ts';
import type { Given } from './option-layers.ts';
import { type OptionName, optionSpec, twinName } from './option-specs.ts';
import { forPeople, type Options, optionsOf } from './option-values.ts';
import { usageError } from './usage-error.ts';

export interface ParsedArguments {
  readonly options: Options;
  /** The arguments that were options of ours. */
  readonly own: readonly Uint8Array[];
  /** PROGRAM and what follows it, untouched. */
  readonly rest: readonly Uint8Array[];
  /** Whether `--` stood between the two. */
  readonly ended: boolean;
  /** What the options are made of. */
  readonly given: Given;
  /** What the configuration adds to them, where there is one for them. */
  readonly applied?: Applied;
}

/**
 * Throws USAGE. Text values are byte strings, but for the format's name. Options end at the first argument that is
 * none, unless they may stand `anywhere`.
 */
export async function parseArguments(
  args: readonly Uint8Array[],
  envp: readonly Uint8Array[],
  names: readonly OptionName[],
  anywhere = false,
): Promise<ParsedArguments> {
  const texts = longNames(args.map(toText), names).map((text, index, all) =>
    unswallowing(text, all[index + 1] ?? '', names),
  );
  const { _: positionals, ...found } = await runYargs(texts, names, anywhere);
  const positional = positionals as string[];
  const given = { args: found, environment: twins(envp, names) };
  if (anywhere) {
    const end = texts.indexOf('--');
    const before = end < 0 ? texts : texts.slice(0, end);
    checkOwn(before, names);
    return { options: optionsOf(given), own: [], rest: positional.map(toBytes), ended: end >= 0, given };
  }
  const from = args.length - positional.length;
  const ownTexts = texts.slice(0, from);
  if (positional.some((text, index) => text !== texts[from + index]))
    throw unknownOption(texts.find((text) => NOT_OURS.test(text)) ?? texts[0] ?? '', names);
  const ended = ownTexts.at(-1) === '--';
  const odd = ended ? undefined : positional.find((text, index) => index === 0 && /^-./s.test(text));
  if (odd !== undefined) throw unknownOption(odd, names);
  checkOwn(ownTexts, names);
  const own = args.slice(0, ended ? from - 1 : from);
  return { options: optionsOf(given), own, rest: args.slice(from), ended, given };
}

/** Throws USAGE for options that there are not, and for what has no value and needs one. */
async function runYargs(
  texts: readonly string[],
  names: readonly OptionName[],
  anywhere: boolean,
): Promise<Record<string, unknown>> {
  const { Parser } = await import('yargs/helpers');
  const valued = names.filter((name) => optionSpec(name).kind !== 'flag');
  const required = valued.filter((name) => optionSpec(name).kind !== 'optional');
  const { argv, error } = Parser.detailed([...texts], {
    boolean: names.filter((name) => optionSpec(name).kind === 'flag'),
    string: valued,
    // Not a number: a value of its own, which is no option.
    narg: Object.fromEntries(required.map((name) => [name, Number.NaN])),
    configuration: {
      'halt-at-non-option': !anywhere,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    },
  });
  // The only one that there is with these settings; its message ends with the name.
  if (error !== null)
    throw usageError(`no value after the option --${forPeople(error.message.replace(/^.*: /s, ''))}`);
  const known = new Set<string>(['_', ...names]);
  const unknown = Object.keys(argv).filter((name) => !known.has(name));
  if (unknown.length > 0) throw unknownOption(asTyped(texts, unknown), names);
  return argv;
}

/**
 * Short options by their long names, one argument for one. yargs would take the `-` behind one for PROGRAM, so that
 * gets its other name. What follows PROGRAM is changed, too, and nobody looks at it.
 */
function longNames(texts: readonly string[], names: readonly OptionName[]): string[] {
  const long: string[] = [];
  for (const text of texts) {
    const [, letter, value = ''] = /^-([a-zA-Z])=?(.*)$/s.exec(text) ?? [];
    const name = names.find((each) => letter !== undefined && optionSpec(each).short === letter);
    if (name !== undefined) long.push(value === '' ? `--${name}` : `--${name}=${value}`);
    else long.push(text === '-' && long.at(-1) === '--identity' ? STANDARD_INPUT : text);
  }
  return long;
}

/** The other name of `-`. */
const STANDARD_INPUT = 'fd:0';

/** A flag before a program called `true` would take the name for its value, so it gets one of its own; what has no value, none. */
function unswallowing(text: string, next: string, names: readonly OptionName[]): string {
  const name = names.find((each) => text === `--${each}`);
  if (name === undefined) return text;
  const { kind, takes } = optionSpec(name);
  if (kind === 'flag') return `${text}=true`;
  return kind === 'optional' && takes?.test(next) !== true ? `${text}=` : text;
}

/** The options set through the environment; an empty variable sets nothing. */
function twins(envp: readonly Uint8Array[], names: readonly OptionName[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const twin = twinName(name);
    const bytes = twin === undefined ? undefined : environmentValue(envp, twin);
    if (bytes === undefined || bytes.length === 0 || optionSpec(name).besides) continue;
    const text = toText(bytes);
    const { kind } = optionSpec(name);
    if (kind === 'text') values[name] = text;
    else if (kind === 'list') values[name] = listIn(text);
    else if (kind === 'optional') values[name] = optionalTwin(text);
    else values[name] = !NO.test(text);
  }
  return values;
}

const YES = /^(1|true|yes)$/i;

/** A variable cannot be given without a value, so some stand for none. */
function optionalTwin(text: string): string | undefined {
  return NO.test(text) ? undefined : YES.test(text) ? '' : text;
}

/** Names that yargs keeps for itself, and long names behind a single dash. */
const NOT_OURS = /^-([^-\d]|-[_-]|-\$0)/;

/** What yargs lets through: names it keeps for itself, and values of flags that are no truth values. */
function checkOwn(own: readonly string[], names: readonly OptionName[]): void {
  const odd = own.find((text) => NOT_OURS.test(text));
  if (odd !== undefined) throw unknownOption(odd, names);
  for (const name of names) {
    const prefix = `--${name}=`;
    const given = own.find((text) => text.startsWith(prefix));
    if (optionSpec(name).kind === 'flag' && given !== undefined && !/=(true|false)$/.test(given)) {
      throw usageError(`the option --${name} takes no value`);
    }
  }
}

/** The first argument that yargs has given one of these names. */
function asTyped(texts: readonly string[], names: readonly string[]): string {
  const isOne = (text: string) => names.includes(text.replace(/^--?/, '').replace(/=.*/s, ''));
  return texts.find((text) => text.startsWith('-') && isOne(text)) ?? `--${names[0]}`;
}

/** Of an argument that is no option of ours only the name is shown: what follows `=` may be a secret. */
function unknownOption(text: string, names: readonly OptionName[]): ForeignError {
  const [name = ''] = text.split('=');
  return usageError(`unknown option: ${forPeople(name)}`, whatWasMeant(name.replace(/^-+/, ''), names));
}

function whatWasMeant(word: string, names: readonly OptionName[]): string | undefined {
  const isHere = names.some((each) => each === word);
  const owners = Object.entries(TOPICS).filter(([, { options }]) => options.some((each) => each === word));
  if (!isHere && owners.length > 0)
    return `it is an option of ${owners.map(([command]) => command).join(', ')}`;
  return didYouMean(word, names, '--');
}
