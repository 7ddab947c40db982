/** What memory a start takes: Node's and the launcher's before the jump, and what a program has more than natively after it. */
import { COMMAND } from '../../test/support/run.ts';
import { memoryInPlace, residentPeak } from '../memory.ts';
import { compiledPrograms, stayingPrograms } from '../programs.ts';
import type { Grid, Group } from '../row.ts';

const NATIVE = 'native';
const OURS = 'run-foreign';
/** KiB that a program may have more than natively. */
const BUDGET = 64;

export function footprint(directory: string): Group {
  const staying = stayingPrograms(directory);
  const after = (field: string, budgets: { column: string; difference: number }[]): Grid => ({
    name: `${field} in smaps_rollup, after the jump`,
    unit: 'KiB',
    columns: [{ name: NATIVE }, { name: OURS, against: NATIVE, difference: true }],
    lines: staying.map(({ name, command }) => ({
      name,
      cells: [memoryInPlace(NATIVE, command, field), memoryInPlace(OURS, [COMMAND, ...command], field)],
      budgets,
    })),
  });
  const before: Grid = {
    name: 'resident at the most, before the jump',
    unit: 'MB',
    columns: [{ name: 'node -e 0' }, { name: OURS, against: 'node -e 0', difference: true }],
    lines: compiledPrograms(directory).map(({ name, command }) => ({
      name,
      cells: [
        residentPeak('node -e 0', [process.execPath, '-e', '0']),
        residentPeak(OURS, [COMMAND, ...command]),
      ],
    })),
  };
  return {
    grids: [before, after('Private_Dirty', [{ column: OURS, difference: BUDGET }]), after('Rss', [])],
  };
}
