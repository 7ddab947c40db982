/** The table of docs/fidelity.md says of every program what its test compares, and no two say the same. */
import { expect, test } from 'vitest';
import { expectSection, table } from '../../support/fidelity.ts';
import { BUILT } from './built.ts';
import { DEBUGGERS } from './debuggers.ts';
import { FILES } from './files.ts';
import { LANGUAGES } from './languages.ts';
import { compared } from './program.ts';
import { PYTHON } from './python.ts';
import { SYSTEM } from './system.ts';
import { TOOLCHAIN } from './toolchain.ts';

const PROGRAMS = [...SYSTEM, ...FILES, ...PYTHON, ...LANGUAGES, ...TOOLCHAIN, ...DEBUGGERS, ...BUILT];

test('every program has a line of its own', () => {
  const names = PROGRAMS.map(({ title, does }) => `${title} ${does}`);
  expect(new Set(names).size).toBe(names.length);
});

test('docs/fidelity.md lists the programs', () => {
  const rows = PROGRAMS.map((program) => [`\`${program.title}\``, program.does, compared(program)]);
  expectSection('programs', table(['program', 'what it does', 'compared'], rows));
});
