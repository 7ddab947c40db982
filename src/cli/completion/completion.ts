/** `run-foreign completion SHELL`: the script that teaches a shell Tab, and what that script asks. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { shortUsage, TOPICS } from '../help.ts';
import type { ParsedArguments } from '../options.ts';
import { write } from '../output.ts';
import { self } from '../self.ts';
import { usageError } from '../usage-error.ts';
import { answer } from './answer.ts';
import { unquoted } from './unquote.ts';

/** Where the scripts lie below dist/completion, called as the directories of the shells want it. */
export const SCRIPTS = { bash: 'run-foreign.bash', zsh: '_run-foreign', fish: 'run-foreign.fish' } as const;
type Shell = keyof typeof SCRIPTS;

/** The scripts ask `completion words SHELL WORDS…`: the words behind the command's name, as far as they are typed. */
export async function completion({ rest }: ParsedArguments): Promise<number> {
  const [first, shell, ...words] = rest.map((bytes) => Buffer.from(bytes).toString());
  if (first === undefined) {
    write(2, shortUsage(TOPICS.completion));
    return 2;
  }
  if (first === 'words' && isShell(shell)) {
    write(1, answer(shell === 'bash' ? words.map(unquoted) : words));
    return 0;
  }
  if (!isShell(first) || rest.length > 1) {
    throw usageError('completion takes bash, zsh or fish', 'see run-foreign completion --help');
  }
  write(1, script(first));
  return 0;
}

const isShell = (name: string | undefined): name is Shell =>
  name !== undefined && Object.hasOwn(SCRIPTS, name);

function script(shell: Shell): string {
  const command = self();
  if (command === undefined) throw new ForeignError('INTERNAL', 'it is not known where run-foreign lies');
  return readFileSync(join(dirname(command), 'completion', SCRIPTS[shell]), 'utf8');
}
