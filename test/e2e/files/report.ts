/** The results as they stand in docs/fidelity.md: the same on every machine. */
import { table } from '../../support/fidelity.ts';
import type { Outcome } from '../../support/run.ts';
import type { FileCase } from './case.ts';
import type { Native } from './outcome.ts';

export interface Result {
  readonly native: Native;
  readonly foreign: Outcome;
  /** The case's own directory. */
  readonly directory: string;
}

/** What differs from machine to machine, and what is too long to read. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/nothing below 0x[0-9a-f]+/, 'nothing below vm.mmap_min_addr'],
  [/(\/\.){20,}/g, '/./.…/.'],
  [/x{20,}/g, 'x…x'],
];

export function markdown(title: string, cases: readonly FileCase[], results: Map<FileCase, Result>): string {
  const rows = cases.flatMap((each) => {
    const result = results.get(each);
    return result === undefined || each.unlisted
      ? []
      : [[each.title, nativeCell(result.native), foreignCell(each, result)]];
  });
  return `### ${title}\n\n${table([title, 'execve', 'run-foreign'], rows)}`;
}

function nativeCell(native: Native): string {
  if (native.kind === 'refused') return native.errno;
  return native.kind === 'killed' ? `kills it (${native.signal})` : 'runs it';
}

function foreignCell({ reason }: FileCase, { native, foreign, directory }: Result): string {
  const ran = foreign.stdout !== '' || (native.kind === 'ran' && native.outcome.status === foreign.status);
  const outcome = ran ? 'runs it' : `${foreign.status}: ${message(foreign.stderr, directory)}`;
  return reason === undefined ? outcome : `${outcome}. **Differs**: ${reason}`;
}

/** The message without our own name and the program's, which is a file in `directory`. */
function message(line: string, directory: string): string {
  const text = line
    .trimEnd()
    .replace(/^run-foreign: /, '')
    .replace(new RegExp(`${directory}/(?=[^ :])`, 'g'), '')
    .replaceAll(directory, 'DIRECTORY')
    .replace(/^prog: /, '');
  return VARYING.reduce((mended, [pattern, words]) => mended.replace(pattern, words), text);
}
