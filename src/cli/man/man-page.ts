/** The page run-foreign(1), made when the package is built, of what --help is made of. */
import packageJson from '../../../package.json' with { type: 'json' };
import {
  type CommandName,
  EXAMPLES,
  type HelpTopic,
  RUN_TOPIC,
  STATUS_MEANINGS,
  TOPICS,
  valueShown,
} from '../help.ts';
import { type OptionName, optionSpec, twinName } from '../option-specs.ts';
import { ENVIRONMENT, FILES, NOTES, SEE_ALSO } from './prose.ts';
import { bold, escaped, italic, item, paragraph, section } from './roff.ts';

const RUN_OPTIONS: ReadonlySet<OptionName> = new Set(RUN_TOPIC.options);

/** At the foot of the page: when its prose was last changed. A build's own day would make of the same sources another page each day. */
const LAST_CHANGED = '2026-11-25';

/** The source of the page. */
export function manPage(): string {
  const lines = [
    '.\\" Made from src/cli/help.ts, src/cli/option-specs.ts and src/cli/man/.',
    `.TH RUN\\-FOREIGN 1 ${LAST_CHANGED} "run\\-foreign ${escaped(packageJson.version)}" "User Commands"`,
    // Names and options are not to be broken.
    '.nh',
    '.ad l',
    ...section('NAME', [
      `run\\-foreign \\- ${escaped('run programs in formats that Linux itself does not run')}`,
    ]),
    ...section('SYNOPSIS', synopsis()),
    ...section('DESCRIPTION', [
      ...paragraph(RUN_TOPIC.about),
      '.PP',
      ...paragraph(
        'What comes out is a process as execve(2) would have made it: it has the same process ID, and its memory, first ' +
          'stack and name are those of PROGRAM. All that follows PROGRAM is its own; -- ends our options before it. A ' +
          'program that is called like a command is ./plan, or stands behind --.',
      ),
    ]),
    ...section(
      'COMMANDS',
      Object.keys(TOPICS).flatMap((name) => command(name as CommandName)),
    ),
    ...section('OPTIONS', [
      ...paragraph(
        'Options of a start. They stand before PROGRAM; each may be given in the environment instead.',
      ),
      ...RUN_TOPIC.options.flatMap(option),
    ]),
    ...section('ENVIRONMENT', environment()),
    ...section('EXIT STATUS', [
      ...paragraph('That of PROGRAM, or:'),
      ...[...STATUS_MEANINGS].flatMap(([code, meaning]) => item(bold(String(code)), `${meaning}.`)),
    ]),
    ...section(
      'FILES',
      FILES.flatMap(([path, what]) => item(italic(path), what)),
    ),
    ...section(
      'EXAMPLES',
      EXAMPLES.flatMap(([line, meaning]) => item(bold(line), `${meaning}.`)),
    ),
    ...section(
      'NOTES',
      NOTES.flatMap((text) => ['.PP', ...paragraph(text)]),
    ),
    ...section('SEE ALSO', [SEE_ALSO.map(([name, number]) => `${bold(name)}(${number})`).join(',\n')]),
  ];
  return `${lines.join('\n')}\n`;
}

function synopsis(): string[] {
  const usages = [RUN_TOPIC, ...Object.values(TOPICS)].map(({ usage }) => usageText(usage));
  return usages.flatMap((usage, index) => (index === 0 ? [usage] : ['.br', usage]));
}

/** `run-foreign [options] PROGRAM`: what is typed is bold, what something is put in the place of is italic. */
function usageText(usage: string): string {
  return usage
    .split(/([A-Z]+(?![A-Za-z])|--?[a-z][a-z-]*|[a-z][a-z-]*)/)
    .map((part) => {
      if (/^[A-Z]/.test(part) || ['options', 'args'].includes(part)) return italic(part);
      return /^[a-z-]/.test(part) ? bold(part) : escaped(part);
    })
    .join('');
}

function command(name: CommandName): string[] {
  const topic: HelpTopic = TOPICS[name];
  const shared = topic.options.filter((each) => RUN_OPTIONS.has(each) && each !== 'help');
  const own = topic.options.filter((each) => !RUN_OPTIONS.has(each));
  const names = shared.map((each) => `--${each}`).join(', ');
  return [
    `.SS ${bold(name)}`,
    usageText(topic.usage),
    '.PP',
    ...paragraph(topic.about),
    ...(topic.more === undefined ? [] : ['.PP', ...paragraph(topic.more)]),
    ...own.flatMap(option),
    ...(topic.examples ?? []).flatMap(([line, meaning]) => item(bold(line), `${meaning}.`)),
    ...(shared.length === 0 ? [] : ['.PP', ...paragraph(`It also takes ${names}, as below.`)]),
  ];
}

function option(name: OptionName): string[] {
  const { help, short } = optionSpec(name);
  const long = `${bold(`--${name}`)}${valueText(valueShown(name))}`;
  return item(short === undefined ? long : `${bold(`-${short}`)}, ${long}`, `${help}.`);
}

/** What users put something in the place of is in capitals; what they choose from is not. */
function valueText(shown: string): string {
  return shown
    .split(/([A-Za-z][A-Za-z0-9]*)/)
    .map((part) => (/^[A-Z]/.test(part) ? italic(part) : /^[a-z]/.test(part) ? bold(part) : escaped(part)))
    .join('');
}

function environment(): string[] {
  const twins = RUN_TOPIC.options.flatMap((name) => {
    const variable = twinName(name);
    if (variable === undefined) return [];
    const { kind } = optionSpec(name);
    const how = kind === 'list' ? ', one a line' : kind === 'flag' ? ', unless it is 0, false or no' : '';
    return item(bold(variable), `stands in for --${name}${how}.`);
  });
  return [
    ...paragraph(
      'An option wins over its variable, a variable over the configuration (see FILES), and an empty variable says nothing.',
    ),
    ...twins,
    ...ENVIRONMENT.flatMap(([name, what]) => item(bold(name), what)),
  ];
}
