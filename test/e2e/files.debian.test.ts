/**
 * The same errno as the kernel. Every file of the tables in files/ is started by execve and by
 * run-foreign: where the kernel refuses, we refuse with the same meaning; where it runs it, so do we;
 * where it kills after its point of no return, we refuse before ours. docs/fidelity.md shows the results.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSection } from '../support/fidelity.ts';
import { inParallel, type Outcome, ROOT, temporary } from '../support/run.ts';
import { compile } from './compile.ts';
import { isPossible } from './files/abilities.ts';
import { addresses } from './files/addresses.ts';
import { Box, type FileCase } from './files/case.ts';
import { headers } from './files/headers.ts';
import { interpreters } from './files/interpreters.ts';
import { limits } from './files/limits.ts';
import { names } from './files/names.ts';
import { foreignOutcome, MEANING, type Native, nativeOutcome, statusFor } from './files/outcome.ts';
import { markdown, type Result } from './files/report.ts';
import { scripts } from './files/scripts.ts';
import { otherHeaders, segments } from './files/segments.ts';

const GROUPS: Readonly<Record<string, readonly FileCase[]>> = {
  'The ELF header': headers,
  PT_LOAD: segments,
  'Alignment, and other program headers': otherHeaders,
  'Addresses and sizes': addresses,
  PT_INTERP: interpreters,
  'Names and permissions': names,
  '#! lines': scripts,
  'Arguments and stack': limits,
};

const directory = temporary();
const results = new Map<FileCase, Result>();
const cases = Object.values(GROUPS).flat();
const possible = cases.filter(isPossible);

beforeAll(async () => {
  const starter = await compile('start.c', [], join(directory.path, 'start'));
  await compile('arguments.c', [], join(directory.path, 'arguments'));
  await inParallel(possible, async (each) => {
    const box = new Box(directory.path, String(cases.indexOf(each)));
    const made = each.make(box);
    const start = typeof made === 'string' ? { path: made } : made;
    const native = await nativeOutcome(start, starter);
    results.set(each, { native, foreign: await foreignOutcome(start), directory: box.path });
  });
}, 300_000);
afterAll(() => directory.remove());

/** One line of ours, said before our point of no return: what the stub says ends with an errno's name. */
function expectRefusal({ status, stdout, stderr }: Outcome, expected: number): void {
  expect(stderr).toMatch(/^run-foreign: [^\n]+\n$/);
  expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
}

function expectSame(native: Native, foreign: Outcome): void {
  if (native.kind === 'ran') {
    expect(foreign).toEqual(native.outcome);
    return;
  }
  expectRefusal(foreign, native.kind === 'killed' ? 126 : statusFor(native.errno));
  if (native.kind === 'killed') expect(foreign.stderr).not.toMatch(/: E[A-Z0-9]+\n$/);
  else expect(foreign.stderr.trimEnd()).toMatch(MEANING[native.errno] ?? `no meaning for ${native.errno}`);
}

describe.each(Object.entries(GROUPS))('%s', (_, group) => {
  test.each(group.filter(isPossible))('$title', (each) => {
    const result = results.get(each);
    if (result === undefined) throw new Error('the case was not run');
    const { native, foreign } = result;
    if (each.reason === undefined) {
      expectSame(native, foreign);
      return;
    }
    // A reason that is none any more must go.
    expect(() => expectSame(native, foreign)).toThrow();
    expect([0, 126]).toContain(foreign.status);
  });
});

test('the page says what came of it', () => {
  const tables = Object.entries(GROUPS).map(([title, group]) => markdown(title, group, results));
  if (possible.length === cases.length) {
    expectSection('files', tables.join('\n\n'));
    return;
  }
  // Without some of the rows, the others must be there.
  const page = readFileSync(join(ROOT, 'docs/fidelity.md'), 'utf8').split('\n');
  for (const row of tables.join('\n').split('\n')) expect(page).toContain(row);
});
