/**
 * How yargs reads our own options (option-specs.ts) from the arguments and from their twins in the environment.
 * Arguments come as latin1 text so that no byte is lost, and what follows PROGRAM is never taken from yargs: only
 * how much of it there is.
 */
import type { ForeignError } from '../errors.ts';
import { environmentValue } from '../launch/environment.ts';
import type { Applied } from './config/fields.ts';
import { NO } from './ending.ts';
import { toBytes, toText } from './invocation.ts';
import { listIn } from './lists.ts';
import type { Given } from './option-layers.ts';
import { type OptionName, optionSpec, twinName } from './option-specs.ts';
import { forPeople, type Options, optionsOf } from './option-values.ts';
import { usageError } from './usage-error.ts';
import { loadYargs } from './yargs.ts';

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
  const { _: positionals, $0: _, ...found } = await runYargs(texts, names, anywhere);
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
  if (positional.some((text, index) => text !== texts[from + index])) throw unknownOption(texts);
  const ended = ownTexts.at(-1) === '--';
  const odd = ended ? undefined : positional.find((text, index) => index === 0 && /^-./s.test(text));
  if (odd !== undefined) throw unknownOption([odd]);
  checkOwn(ownTexts, names);
  const own = args.slice(0, ended ? from - 1 : from);
  return { options: optionsOf(given), own, rest: args.slice(from), ended, given };
}

async function runYargs(
  texts: readonly string[],
  names: readonly OptionName[],
  anywhere: boolean,
): Promise<Record<string, unknown>> {
  const yargs = await loadYargs();
  const parser = yargs([], '/')
    .parserConfiguration({
      'halt-at-non-option': !anywhere,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .detectLocale(false)
    .updateStrings({
      'Unknown argument: %s': {
        one: 'unknown option: %s',
        other: 'unknown options: %s',
      } as unknown as string,
      'Not enough arguments following: %s': 'no value after the option --%s',
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .strictOptions()
    .fail((message, error) => {
      throw usageError(forPeople(message ?? error.message));
    });
  for (const name of names) {
    if (optionSpec(name).kind === 'flag') parser.option(name, { type: 'boolean' });
    else parser.option(name, { type: 'string', requiresArg: optionSpec(name).kind !== 'optional' });
  }
  return parser.parseSync(texts);
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
  if (odd !== undefined) throw unknownOption([odd]);
  for (const name of names) {
    const prefix = `--${name}=`;
    const given = own.find((text) => text.startsWith(prefix));
    if (optionSpec(name).kind === 'flag' && given !== undefined && !/=(true|false)$/.test(given)) {
      throw usageError(`the option --${name} takes no value`);
    }
  }
}

function unknownOption(own: readonly string[]): ForeignError {
  const text = own.find((each) => NOT_OURS.test(each)) ?? own[0] ?? '';
  return usageError(`unknown option: ${forPeople(text)}`);
}
