/** What can stand where, for Tab: a line for each option and each command whose values are no files. */
import { SKIPPABLE } from '../../checkpoint/findings.ts';
import { type CommandName, TOPICS } from '../help.ts';
import type { OptionName } from '../option-specs.ts';
import {
  assignments,
  formats,
  loaderOptions,
  processes,
  type Source,
  variables,
  words,
} from './candidates.ts';

/** Files and directories the shell lists itself; `nothing` is what nobody but the user knows. */
export type What = 'files' | 'directories' | 'program' | 'nothing' | Source;

/** Behind a program: its own arguments. */
type Rest = 'rest';

/** Of options that are not here the values are files. */
const VALUES: Partial<Record<OptionName, What>> = {
  format: formats,
  'loader-opt': loaderOptions,
  'loader-timeout': 'nothing',
  argv0: 'nothing',
  env: assignments,
  'unset-env': variables,
  stdio: words('inherit', 'recorded'),
  skip: words(...SKIPPABLE, 'cpu'),
  sha256: 'nothing',
  'max-size': words('64M', '256M', '1G', '4G'),
  recipient: 'nothing',
  seal: 'nothing',
  compress: words('zstd'),
  copies: 'nothing',
};

/** What a command's arguments are, one after the other; what is not here takes none. */
const ARGUMENTS: Partial<Record<CommandName, readonly (What | Rest)[]>> = {
  plan: ['program', 'rest'],
  inspect: ['program'],
  compile: ['program'],
  seal: ['files'],
  unseal: ['files'],
  checkpoint: [processes],
  duplicate: [processes],
  'new-loader': ['nothing', 'directories'],
  completion: [words('bash', 'zsh', 'fish')],
};

export const commandNames: Source = () => [
  ...Object.entries(TOPICS).map(([value, { about }]) => ({ value, about })),
  { value: 'help', about: 'Shows the options, or those of a command.' },
];

export const valuesFor = (name: OptionName): What => VALUES[name] ?? 'files';

/** `index` counts from 0. */
export function argumentOf(command: CommandName, index: number): What {
  const what = ARGUMENTS[command]?.[index] ?? 'nothing';
  return what === 'rest' ? 'nothing' : what;
}

/** Whether all that follows the first argument belongs to that; undefined is a start. */
export const followsProgram = (command: CommandName | undefined): boolean =>
  command === undefined || ARGUMENTS[command]?.[1] === 'rest';
