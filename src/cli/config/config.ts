/** `run-foreign config`: which options would count for a program, and who says so. */
import { printable } from '../../errors.ts';
import { environmentValue } from '../../launch/environment.ts';
import { shownName } from '../../launch/names.ts';
import { toBytes } from '../invocation.ts';
import { listIn } from '../lists.ts';
import { type Found, isAdded } from '../option-layers.ts';
import { type OptionName, twinName } from '../option-specs.ts';
import type { ParsedArguments } from '../options.ts';
import { write } from '../output.ts';
import { columns, jsonText } from '../text.ts';
import { usageError } from '../usage-error.ts';
import { FIELDS } from './fields.ts';
import { targetOf } from './match.ts';

/** Who says something: `part` is the key in `programs`, or null for what is for all. */
type Origin =
  | { readonly kind: 'argument' }
  | { readonly kind: 'variable'; readonly variable: string }
  | { readonly kind: 'configuration'; readonly part: string | null };

interface Setting {
  readonly name: OptionName;
  readonly value: string | boolean;
  readonly from: Origin;
}

const AT = 18;

export async function config(parsed: ParsedArguments, envp: readonly Uint8Array[]): Promise<number> {
  const { options, rest, applied } = parsed;
  if (rest.length > 1) throw usageError('config takes one PROGRAM', 'see run-foreign config --help');
  const [program] = rest;
  const settings = [...loaderSettings(parsed, envp), ...FIELDS.flatMap((name) => settingsFor(name, parsed))];
  const shown = {
    file: applied?.file ?? null,
    program: program === undefined ? null : shownName(program),
    paths: (program && targetOf(program, environmentValue(envp, 'PATH')))?.paths ?? [],
    parts: (applied?.parts ?? []).map(({ key }) => key ?? null),
    options: settings,
  };
  write(1, options.json ? jsonText(shown) : text(shown));
  return 0;
}

/** What counts of an option; of one that is added to, all that is not said again later. */
function settingsFor(name: OptionName, { given, applied }: ParsedArguments): Setting[] {
  const user = name in given.args ? argument : variable(name);
  const said: [Found, Origin][] = [
    ...(applied?.parts ?? []).map(({ key, values }): [Found, Origin] => [values, inPart(key)]),
    [{ ...given.environment, ...given.args }, user],
  ];
  const all = said.map(([found, from]) =>
    name in found
      ? [found[name] ?? []].flat().map((value) => ({ name, value: valueText(value), from }))
      : undefined,
  );
  const counting = all.filter((each) => each !== undefined);
  if (!isAdded(name)) return counting.at(-1) ?? [];
  const last = new Map<string, Setting>();
  for (const setting of counting.flat()) last.set(String(setting.value).split('=', 1)[0] ?? '', setting);
  return [...last.values()];
}

/** In the order in which they are asked. */
function loaderSettings(
  { given, applied, options }: ParsedArguments,
  envp: readonly Uint8Array[],
): Setting[] {
  const inEnvironment = environmentValue(envp, 'RUN_FOREIGN_LOADERS') ?? new Uint8Array(0);
  const setting = (value: string, from: Origin): Setting => ({ name: 'loader', value, from });
  return [
    ...(given.args.loader === undefined ? [] : (options.loaders ?? [])).map((name) =>
      setting(name, argument),
    ),
    ...listIn(Buffer.from(inEnvironment).toString()).map((name) => setting(name, variable('loader'))),
    ...[...(applied?.parts ?? [])]
      .reverse()
      .flatMap(({ key, loaders }) =>
        loaders.map((each) =>
          setting(typeof each === 'string' ? each : 'a loader in the script', inPart(key)),
        ),
      ),
  ];
}

const argument: Origin = { kind: 'argument' };
const variable = (name: OptionName): Origin => ({ kind: 'variable', variable: twinName(name) ?? '' });
const inPart = (key: string | undefined): Origin => ({ kind: 'configuration', part: key ?? null });

const valueText = (value: unknown): string | boolean =>
  typeof value === 'boolean' ? value : Buffer.from(toBytes(String(value))).toString();

interface Shown {
  readonly file: string | null;
  readonly program: string | null;
  /** Under which it is looked for among the parts. */
  readonly paths: readonly string[];
  readonly parts: readonly (string | null)[];
  readonly options: readonly Setting[];
}

function text({ file, program, paths, parts, options }: Shown): string {
  const keys = parts.filter((key) => key !== null);
  const facts: (readonly [string, string])[] = [
    ['configuration', file ?? 'none'],
    ...(program === null ? [] : [['program', program] as const]),
    ...[...new Set(paths)].filter((path) => path !== program).map((path) => ['path', path] as const),
    ...keys.map((key) => ['part', JSON.stringify(key)] as const),
  ];
  const lines = facts.flatMap(([what, value]) => columns(what, printable(value), 0, AT));
  if (options.length > 0) lines.push('');
  for (const { name, value, from } of options) {
    const shown = typeof value === 'boolean' ? (value ? 'yes' : 'no') : value === '' ? "''" : value;
    lines.push(
      ...columns(`--${name}`, printable(shown), 0, AT),
      ...columns('', originText(name, from), 2, AT + 2),
    );
  }
  return `${lines.join('\n')}\n`;
}

function originText(name: OptionName, from: Origin): string {
  if (from.kind === 'argument') return `from the argument --${name}`;
  if (from.kind === 'variable') return `from the variable ${from.variable}`;
  const part = from.part === null ? '' : `, programs[${printable(JSON.stringify(from.part))}]`;
  return `from the configuration${part}`;
}
