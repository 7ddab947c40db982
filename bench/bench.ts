/**
 * `npm run bench -- [--runs N] [--only GROUP,…] [--svg PICTURE] [FILE]`: measures, prints tables, and writes all
 * measurements as JSON to FILE, or to results.json beside this file, and what starts cost as a picture to PICTURE.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporary } from '../test/support/run.ts';
import { machine } from './machine.ts';
import { launchCostPicture } from './picture/launch-cost.ts';
import { reportText } from './report.ts';
import { type MakeGroup, Missing } from './row.ts';
import { GROUPS } from './rows/index.ts';
import { type GridResult, measureGrid, measureRow, type Result } from './runner.ts';

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '15' }, only: { type: 'string' }, svg: { type: 'string' } },
  allowPositionals: true,
});
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error('--runs takes a number');
const names = values.only?.split(',') ?? Object.keys(GROUPS);
const results: Result[] = [];
const grids: GridResult[] = [];
const left: string[] = [];
// Before our own load is part of it.
const measuredOn = machine();
const scratch = temporary();
try {
  for (const name of names) {
    const make = GROUPS[name];
    if (make === undefined)
      throw new Error(`there is no group ${name}, only ${Object.keys(GROUPS).join(', ')}`);
    await measureGroup(name, make);
  }
} finally {
  scratch.remove();
}
const report = { date: new Date().toISOString(), machine: measuredOn, runs, results, grids, left };
writeFileSync(positionals[0] ?? join(import.meta.dirname, 'results.json'), JSON.stringify(report, null, 2));
process.stdout.write(reportText(report));
if (values.svg !== undefined) writeFileSync(values.svg, launchCostPicture(report));

async function measureGroup(name: string, make: MakeGroup): Promise<void> {
  const directory = join(scratch.path, name);
  mkdirSync(directory);
  try {
    const group = await make(directory);
    try {
      for (const grid of group.grids ?? []) {
        process.stderr.write(`${grid.name} ...\n`);
        grids.push(await measureGrid(grid, runs));
      }
      for (const row of group.rows ?? []) {
        process.stderr.write(`${row.name} ...\n`);
        results.push(await measureRow(row, runs));
      }
    } finally {
      group.close?.();
    }
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    left.push(`${name}: ${error.message}`);
  }
}
