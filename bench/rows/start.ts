/** A small program that is a file: what is ours of such a start, beside Node's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND } from '../../test/support/run.ts';
import { command } from '../commands.ts';
import { program, SMALL } from '../program.ts';
import type { Group } from '../row.ts';

export function start(directory: string): Group {
  const file = join(directory, 'small');
  writeFileSync(file, program(SMALL), { mode: 0o755 });
  const row = {
    name: 'start of a 10 kB program',
    unit: 'ms' as const,
    subject: command('run-foreign', [COMMAND, file]),
    against: [command('node -e 0', [process.execPath, '-e', '0'])],
    beside: [command('execve', [file])],
  };
  return { rows: [row] };
}
