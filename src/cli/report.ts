/** Where the commands that show something put it: standard output, or a file that --output names. */
import { toBytes } from './invocation.ts';
import type { Options } from './option-values.ts';
import { write } from './output.ts';
import { checkOutput, isStandardOutput, type OutputFile, writeOutput } from './output-file.ts';
import { usageError } from './usage-error.ts';

/** What of a program is to be on no disk in the clear is nobody else's business either where it lies, and how much of it there is. */
const MODE = { open: 0o644, confidential: 0o600 };

export interface Report {
  /** Whether it goes to standard output, and may be in colour there. */
  readonly toStandardOutput: boolean;
  readonly write: (text: string, confidential: boolean) => Promise<void>;
}

/** Throws USAGE, also where it can be known beforehand that the file will not be written. */
export function openReport({ output, force, svg, json }: Options): Report {
  if (svg && json) throw usageError('--svg and --json (or RUN_FOREIGN_JSON) exclude each other');
  const path = output === undefined ? Buffer.from('-') : toBytes(output);
  if (isStandardOutput(path)) {
    const toTerminal = async (text: string) => write(1, text);
    return { toStandardOutput: true, write: toTerminal };
  }
  const file = (mode: number): OutputFile => ({ path, mode, replace: force });
  checkOutput(file(MODE.open));
  return {
    toStandardOutput: false,
    write: (text, confidential) =>
      writeOutput(file(confidential ? MODE.confidential : MODE.open), piece(text)),
  };
}

async function* piece(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}
