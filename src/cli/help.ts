/** What `--help` and `--version` show. Everything fits 80 columns. */
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT } from '../errors.ts';
import { type OptionName, optionSpec, twinName } from './option-specs.ts';
import { columns, wrap } from './text.ts';

export const VERSION_LINE = `run-foreign ${packageJson.version}`;

export interface HelpTopic {
  readonly usage: string;
  readonly about: string;
  /** What only those read who ask for this command's help. */
  readonly more?: string;
  readonly options: readonly OptionName[];
  /** Whether they may stand behind other arguments, too. */
  readonly optionsAnywhere?: true;
  /** Lines for the command's own help, and what they do. */
  readonly examples?: readonly (readonly [string, string])[];
}

/** About where a program comes from and what opens it. */
const SOURCE_OPTIONS = ['max-size', 'sha256', 'verify-key', 'identity', 'not-confidential'] as const;
const LOADER_OPTIONS = ['format', 'loader', 'loader-opt', 'loader-timeout'] as const;
const RESUME_OPTIONS = ['stdio', 'new-pid', 'verify', 'skip', 'map-memory'] as const;
const RUN_OPTIONS = [
  ...LOADER_OPTIONS,
  'argv0',
  'env',
  'unset-env',
  'stdin',
  'gdb',
  ...RESUME_OPTIONS,
  ...SOURCE_OPTIONS,
] as const;

export const RUN_TOPIC: HelpTopic = {
  usage: 'run-foreign [options] PROGRAM [args...]',
  about:
    'Becomes PROGRAM, which may be in a format that Linux itself does not run. ' +
    'PROGRAM is a path, a name in PATH, or an http or https URL.',
  options: [...RUN_OPTIONS, 'no-cache', 'trace', 'verbose', 'version', 'help'],
};

export const TOPICS = {
  plan: {
    usage: 'run-foreign plan [options] PROGRAM [args...]',
    about: 'Shows every step that would be done to become PROGRAM, and runs nothing.',
    options: [...RUN_OPTIONS, 'trace', 'verbose', 'json', 'svg', 'output', 'force', 'help'],
  },
  inspect: {
    usage: 'run-foreign inspect [options] PROGRAM',
    about: 'Shows what is in PROGRAM: its segments, its interpreter, its map of memory.',
    options: [...LOADER_OPTIONS, ...SOURCE_OPTIONS, 'trace', 'json', 'svg', 'output', 'force', 'help'],
    optionsAnywhere: true,
  },
  compile: {
    usage: 'run-foreign compile [options] PROGRAM -o FILE',
    about:
      'Writes PROGRAM as a file that Linux starts by itself, also where there is neither run-foreign nor Node: an ELF ' +
      'file that does what run-foreign would do. Nothing of it is secret.',
    options: [...LOADER_OPTIONS, 'max-size', 'sha256', 'verify-key', 'output', 'force', 'trace', 'help'],
    optionsAnywhere: true,
  },
  seal: {
    usage: 'run-foreign seal PROGRAM -r RECIPIENT... -o FILE',
    about:
      'Encrypts PROGRAM, which is a path or - for standard input, so that only those can run it or look into it ' +
      'for whom it is sealed. FILE is an age file.',
    options: ['recipient', 'recipients-file', 'passphrase', 'output', 'force', 'armor', 'executable', 'help'],
    optionsAnywhere: true,
  },
  unseal: {
    usage: 'run-foreign unseal FILE -i KEYFILE -o PROGRAM',
    about: 'Writes the program that is sealed in FILE, which is a path or - for standard input.',
    options: ['identity', 'output', 'force', 'max-size', 'help'],
    optionsAnywhere: true,
  },
  checkpoint: {
    usage: 'run-foreign checkpoint PID -o FILE',
    about:
      'Writes a running process to FILE, from which run-foreign FILE goes on where it was. The process stands still ' +
      'meanwhile, and goes on. FILE is a core file; - is standard output.',
    options: [
      'output',
      'leave-running',
      'stop',
      'kill',
      'complete',
      'compress',
      'seal',
      'recipients-file',
      'skip',
      'force',
      'check',
      'json',
      'trace',
      'verbose',
      'help',
    ],
    optionsAnywhere: true,
  },
  duplicate: {
    usage: 'run-foreign duplicate PID [-n N]',
    about: 'Starts copies of a running process, which go on where it is, and prints their process IDs.',
    options: ['copies', 'skip', 'stdio', 'trace', 'verbose', 'help'],
    optionsAnywhere: true,
  },
  'new-loader': {
    usage: 'run-foreign new-loader NAME [DIRECTORY]',
    about:
      'Writes a package with a loader for a format called NAME: a small one that works, with tests, to be made into ' +
      'yours. DIRECTORY must not be there; it is run-foreign-loader-NAME unless given.',
    options: ['help'],
    optionsAnywhere: true,
  },
  formats: {
    usage: 'run-foreign formats [--loader FILE|PACKAGE] [--json]',
    about: 'Lists the formats that can be run, how they are recognised, and the options of their loaders.',
    options: ['loader', 'loader-opt', 'loader-timeout', 'json', 'help'],
  },
  check: {
    usage: 'run-foreign check [ID...] [--json]',
    about:
      'Tries what this machine allows, and for each no has the command that changes it, if there is one. The exit status ' +
      'is 0 when programs can be run, and 1 when they cannot. With IDs only these are tried, and it is 1 unless all are yes.',
    options: ['json', 'help'],
    optionsAnywhere: true,
  },
  explain: {
    usage: 'run-foreign explain [ERROR_CODE|STATUS] [--json]',
    about:
      'Says what an error or an exit status means, what causes it and what to do about each cause; without an argument, ' +
      'lists all. --verbose names the code of an error.',
    options: ['json', 'help'],
    optionsAnywhere: true,
  },
  binfmt: {
    usage: 'run-foreign binfmt register|unregister|status|print [FORMAT...]',
    about:
      'Lets the kernel start run-foreign for programs in its formats, so that ./PROGRAM just runs, from anywhere: ' +
      'registers them with binfmt_misc, now and for the next boot, takes them away, says what is registered, or prints ' +
      'what would be written. Without FORMAT it means those that are safe to take: ' +
      'aout, ape, core, wasm and age; for unregister and status, all.',
    options: ['style', 'root', 'interpreter', 'now', 'force', 'loader', 'loader-timeout', 'json', 'help'],
    optionsAnywhere: true,
  },
  config: {
    usage: 'run-foreign config [options] [PROGRAM]',
    about:
      'Shows which options would count for PROGRAM, or for any, and where each comes from: an argument, a variable, or the ' +
      'configuration. It starts nothing.',
    options: [...RUN_OPTIONS, 'no-cache', 'verbose', 'json', 'help'],
  },
  completion: {
    usage: 'run-foreign completion bash|zsh|fish',
    about: 'Prints a script that completes what you type, for a shell to read.',
    more:
      'A package for all users has the scripts as files: run-foreign in /usr/share/bash-completion/completions, _run-foreign in ' +
      '/usr/share/zsh/site-functions, run-foreign.fish in /usr/share/fish/vendor_completions.d. They lie in dist/completion, too.',
    options: ['help'],
    examples: [
      ['source <(run-foreign completion bash)', 'in ~/.bashrc'],
      ['source <(run-foreign completion zsh)', 'in ~/.zshrc, behind compinit'],
      ['run-foreign completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
  },
} as const satisfies Record<string, HelpTopic>;

export type CommandName = keyof typeof TOPICS;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(TOPICS, name);
}

const AT = 27;

/** What the command's own exit statuses mean. */
export const STATUS_MEANINGS: ReadonlyMap<number, string> = new Map([
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.ours, 'run-foreign itself failed'],
  [EXIT.cannotRun, 'PROGRAM was found and cannot be run'],
  [EXIT.notFound, 'PROGRAM was not found'],
]);

/** Lines, and what they do. */
export const EXAMPLES = [
  ['run-foreign ./tally words.txt', 'run a program, whatever its format'],
  ['run-foreign --format aout ./tally', 'run it as a.out, whatever it looks like'],
  ['run-foreign --argv0=-sh sh', 'a login shell'],
  ['run-foreign plan --json ./tally', 'see what would be done'],
  ['run-foreign https://host/tally#sha256=HEX', 'run exactly this file'],
  ['run-foreign -i key.txt ./tally.age', 'run a program sealed for that key'],
  ['run-foreign compile ./tally -o tally.elf', 'make a file that runs without run-foreign'],
  ['run-foreign checkpoint 4711 -o tally.core', 'write down a process that runs'],
  ['run-foreign ./tally.core', 'and go on with it'],
  ['run-foreign -- plan', 'run a program called plan'],
] as const;

export function topicHelp(topic: HelpTopic): string {
  const { usage, about, more, options, examples = [] } = topic;
  const lines = [`usage: ${usage}`, '', ...wrap(about, 80), '', ...optionLines(options)];
  if (more !== undefined) lines.push('', ...wrap(more, 80));
  if (examples.length > 0) lines.push('', 'Examples:', ...exampleLines(examples));
  return `${lines.join('\n')}\n`;
}

export function mainHelp(): string {
  const lines = [
    `usage: ${RUN_TOPIC.usage}`,
    '       run-foreign COMMAND [options] ...',
    '',
    ...wrap(RUN_TOPIC.about, 80),
    "All that follows PROGRAM is the program's own; -- ends our options before it.",
    '',
    'Commands (run-foreign help COMMAND says more):',
    ...Object.entries(TOPICS).flatMap(([name, { about }]) => columns(name, briefly(about), 2, 14)),
    '',
    ...optionLines(RUN_TOPIC.options),
    '',
    "Exit status: the program's own, or",
    ...[...STATUS_MEANINGS].flatMap(([code, meaning]) => columns(String(code), meaning, 2, 8)),
    '',
    'Examples:',
    ...exampleLines(EXAMPLES),
    '',
    'More: man run-foreign, where the package is installed for all (npm -g).',
  ];
  return `${lines.join('\n')}\n`;
}

/** The first thing that a text says; all of it is in the command's own help. */
function briefly(about: string): string {
  const [first = about] = about.split(/[.:;](?: |$)/);
  return `${first}.`;
}

/** For stderr, when there is nothing to run. */
export function shortUsage(topic: HelpTopic = RUN_TOPIC): string {
  return `usage: ${topic.usage}\nsee run-foreign --help\n`;
}

/** What stands behind an option where it is shown: ` FILE`, `[=FILE]`, or nothing. */
export function valueShown(name: OptionName): string {
  const { value, kind } = optionSpec(name);
  if (value === undefined) return '';
  return kind === 'optional' ? `[=${value}]` : ` ${value}`;
}

const exampleLines = (examples: readonly (readonly [string, string])[]): string[] =>
  examples.flatMap(([command, meaning]) => columns(command, meaning, 2, 39));

function optionLines(names: readonly OptionName[]): string[] {
  return [
    'Options, and the environment variables that stand in for them:',
    ...names.flatMap((name) => {
      const { help, kind, short } = optionSpec(name);
      const long = `--${name}${valueShown(name)}`;
      const left = short === undefined ? long : `-${short}, ${long}`;
      const twin = twinName(name);
      if (twin === undefined) return columns(left, help, 2, AT);
      const several = kind === 'list' ? ', one a line' : '';
      return [...columns(left, help, 2, AT), ...columns('', twin + several, 2, AT)];
    }),
  ];
}
