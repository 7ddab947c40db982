/**
 * How yargs reads our own options (option-specs.ts) from the arguments and from their twins in the environment.
 * Arguments come as latin1 text so that no byte is lost, and what follows PROGRAM is never taken from yargs: only
 * how much of it there is.
 */
import { ForeignError } from '../errors.ts';
import { environmentValue } from '../launch/prepare.ts';
import type { GivenOption } from '../loader/options.ts';
import type { Applied } from './config/apply.ts';
import { toBytes, toText } from './invocation.ts';
import { listIn } from './lists.ts';
import { type Given, type Layer, merged } from './option-layers.ts';
import { type OptionName, optionSpec, twinName } from './option-specs.ts';
import type { RunOptions } from './run-options.ts';
import type { TraceFormat } from './trace.ts';
import { loadYargs } from './yargs.ts';

export interface Options extends RunOptions {
  readonly recipients: readonly string[];
  readonly recipientsFiles: readonly string[];
  readonly passphrase: boolean;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly armor: boolean;
  readonly skip: readonly string[];
  readonly executable: boolean;
  readonly afterwards: 'run' | 'stop' | 'kill';
  readonly complete: boolean;
  readonly compress: string | undefined;
  readonly seal: readonly string[];
  readonly check: boolean;
  readonly style: 'systemd' | 'debian' | undefined;
  readonly root: string | undefined;
  readonly interpreter: string | undefined;
  readonly now: boolean;
  readonly copies: number;
  readonly svg: boolean;
  readonly json: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

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

export function usageError(message: string, hint = 'see run-foreign --help'): ForeignError {
  return new ForeignError('USAGE', message, { hint });
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

const NO = /^(0|false|no)$/i;
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

/** The options that count: of `layers`, which the configuration has, the later win. Throws USAGE. */
export function optionsOf(given: Given, layers: readonly Layer[] = []): Options {
  const { values: found, demanded } = merged(given, layers);
  const list = (name: OptionName) => [found[name] ?? []].flat() as string[];
  const last = (name: OptionName) => list(name).at(-1);
  const flag = (name: OptionName) => [found[name]].flat().at(-1) === true;
  const format = last('format');
  const verifyKey = last('verify-key');
  const env = list('env');
  const unsetEnv = list('unset-env');
  if (env.some((entry) => entry === '' || entry.startsWith('='))) throw usageError('--env needs a name');
  const wrong = unsetEnv.find((entry) => entry === '' || entry.includes('='));
  if (wrong !== undefined) throw usageError(`--unset-env takes a name, not '${forPeople(wrong)}'`);
  return {
    format: format === undefined ? undefined : forPeople(format),
    loaders: list('loader').map(forPeople),
    loaderOptions: [
      ...list('loader-opt').map(forPeople).map(loaderOption),
      ...(flag('verify') ? [VERIFY] : []),
    ],
    resume: {
      stdio: stdioFrom(last('stdio')),
      newPid: flag('new-pid'),
      mapped: flag('map-memory'),
      anyCpu: list('skip').includes('cpu'),
    },
    skip: list('skip').map(forPeople),
    loaderTimeout: secondsFrom(last('loader-timeout')),
    argv0: last('argv0'),
    env,
    unsetEnv,
    stdin: last('stdin'),
    maxSize: sizeFrom(last('max-size')),
    verbose: flag('verbose'),
    trace: traceFrom(last('trace')),
    gdb: gdbFrom(last('gdb')),
    sha256: last('sha256'),
    verifyKey: verifyKey === undefined ? undefined : forPeople(verifyKey),
    identity: list('identity'),
    notConfidential: flag('not-confidential'),
    checkDemanded: demanded,
    recipients: list('recipient').map(forPeople),
    recipientsFiles: list('recipients-file'),
    passphrase: flag('passphrase'),
    output: last('output'),
    force: flag('force'),
    armor: flag('armor'),
    executable: flag('executable'),
    afterwards: afterwardsFrom(flag('leave-running'), flag('stop'), flag('kill')),
    complete: flag('complete'),
    compress: last('compress'),
    seal: list('seal').map(forPeople),
    check: flag('check'),
    style: styleFrom(last('style')),
    root: pathFrom('root', last('root')),
    interpreter: pathFrom('interpreter', last('interpreter')),
    now: flag('now'),
    copies: copiesFrom(last('copies')),
    svg: flag('svg'),
    json: flag('json'),
    version: flag('version'),
    help: flag('help'),
  };
}

/** What --verify says to the loader of checkpoints. */
const VERIFY: GivenOption = { loader: 'core', key: 'verify', value: 'true' };

function stdioFrom(text: string | undefined): 'inherit' | 'recorded' | undefined {
  if (text === undefined || text === 'inherit' || text === 'recorded') return text;
  throw usageError(`--stdio takes inherit or recorded, not '${forPeople(text)}'`);
}

/** The value is optional. */
function traceFrom(text: string | undefined): TraceFormat | undefined {
  if (text === '' || text === 'text') return 'text';
  if (text === undefined || text === 'json') return text;
  throw usageError(`--trace takes json, or nothing, not '${forPeople(text)}'`);
}

function styleFrom(text: string | undefined): Options['style'] {
  if (text === undefined || text === 'systemd' || text === 'debian') return text;
  throw usageError(`--style takes systemd or debian, not '${forPeople(text)}'`);
}

function pathFrom(name: OptionName, text: string | undefined): string | undefined {
  if (text === '') throw usageError(`--${name} needs a path`);
  return text === undefined ? undefined : forPeople(text);
}

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `64M` in bytes; undefined stays undefined. */
function sizeFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/i.exec(text) ?? [];
  const size = Number(digits) * UNITS[unit.toUpperCase() as keyof typeof UNITS];
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw usageError(`--max-size takes bytes, as in 1000000, 512K, 64M or 2G, not '${forPeople(text)}'`);
}

/** What becomes of a process when it has been written. */
function afterwardsFrom(run: boolean, stop: boolean, kill: boolean): Options['afterwards'] {
  if ([run, stop, kill].filter(Boolean).length > 1)
    throw usageError('only one of --leave-running, --stop and --kill can be');
  return kill ? 'kill' : stop ? 'stop' : 'run';
}

const MAX_COPIES = 10_000;

function copiesFrom(text: string | undefined): number {
  if (text === undefined) return 1;
  const copies = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (copies > 0 && copies <= MAX_COPIES) return copies;
  throw usageError(`--copies takes a number from 1 to ${MAX_COPIES}, not '${forPeople(text)}'`);
}

const MAX_PORT = 65535;

/** The value is a port, or nothing. */
function gdbFrom(text: string | undefined): Options['gdb'] {
  if (text === undefined) return undefined;
  if (text === '') return { port: undefined };
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port <= MAX_PORT) return { port };
  throw usageError(`--gdb takes a port, from 1 to ${MAX_PORT}, or nothing, not '${forPeople(text)}'`);
}

/** `NAME.KEY=VALUE`; a flag needs no value. */
function loaderOption(text: string): GivenOption {
  const [, loader, key, value = ''] = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (loader !== undefined && key !== undefined) return { loader, key, value };
  throw usageError(`--loader-opt takes NAME.KEY=VALUE, as in flat.base=0x10000, not '${text}'`);
}

const MAX_SECONDS = 1_000_000;

/** In milliseconds; undefined stays undefined. */
function secondsFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds * 1000;
  throw usageError(`--loader-timeout takes seconds, as in 10 or 0.5, not '${forPeople(text)}'`);
}

/** Byte strings as the people who typed them read them. */
const forPeople = (text: string): string => Buffer.from(toBytes(text)).toString();
