/** What all that `run-foreign binfmt` does is given. */
import { printable } from '../../errors.ts';
import type { LoaderSettings } from '../loaders.ts';
import type { Options } from '../option-values.ts';
import { writeLine } from '../output.ts';
import { NAME_PREFIX } from './entry.ts';
import { isOwnInterpreter } from './interpreter.ts';
import type { FoundEntry } from './register-line.ts';

export interface BinfmtContext {
  readonly options: Options;
  readonly settings: LoaderSettings;
  /** The formats that were named. */
  readonly names: readonly string[];
}

export const say = (text: string): void => writeLine(1, printable(text));
/** What did not come about, or may surprise. */
export const warn = (text: string): void => writeLine(2, printable(`run-foreign: ${text}`));

/** Whether an entry is one that we made: it is called so, and starts us, wherever we were installed then. */
export const isOurs = ({ name, interpreter }: FoundEntry): boolean =>
  name.startsWith(NAME_PREFIX) && isOwnInterpreter(interpreter);

/** `1 magic`, `2 magics`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${count} ${count === 1 ? one : more}`;
