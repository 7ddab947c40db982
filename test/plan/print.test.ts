/** The printed plan says all that the plan says: nothing is left out and nothing is invented. */
import { describe, expect, test } from 'vitest';
import type { ProgramImage } from '../../src/image/image.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { planJson, planText } from '../../src/plan/print.ts';
import { stackEntries } from '../../src/plan/stack-words.ts';
import { handmade, INTERPRETER_PATH } from '../support/handmade.ts';
import { AUXV_TYPES, fakeHost } from '../support/host.ts';
import { loadingInterpreter, planOf } from '../support/plans.ts';
import { imageOf } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const source = fileLike(Buffer.alloc(0x3000, 0x90), 7, '/x/program');
const RX = { read: true, write: false, execute: true };
const RW = { read: true, write: true, execute: false };

function image(changes: Partial<ProgramImage> = {}): ProgramImage {
  return {
    format: 'test',
    variant: 'plain',
    arch: 'x86_64',
    placement: { kind: 'fixed' },
    segments: [
      {
        name: 'text',
        address: 0x401000n,
        size: 0x1000n,
        content: { source, offset: 0x1000, size: 0x1000 },
        protection: RX,
      },
      {
        name: 'data',
        address: 0x402000n,
        size: 0x2000n,
        content: { source, offset: 0x2000, size: 0x10 },
        protection: RW,
      },
    ],
    entry: 0x401000n,
    code: { start: 0x401000n, end: 0x402000n },
    data: { start: 0x402000n, end: 0x402010n },
    brk: { start: 0x404000n, end: 0x404000n, randomize: false },
    stack: { layout: 'sysv', execution: 'none' },
    ...changes,
  };
}

function plan(changes: Partial<ProgramImage> = {}) {
  const invocation = {
    program: 'program',
    argv: ['program', '', '\xff\n', 'y'.repeat(200)].map(text),
    envp: ['A=1', 'B=\u00c3\u00bc'].map(text),
    execfn: text('/x/program'),
    exe: source.file,
  };
  return planProgram(image(changes), invocation, fakeHost());
}

describe('words of the first stack', () => {
  const names = ({ stack, arch }: ReturnType<typeof plan>) =>
    stackEntries(stack, arch).map(({ name }) => name);
  const ARGV = ['argv[0]', 'argv[1]', 'argv[2]', 'argv[3]', 'end of argv'];
  const ENVP = ['envp[0]', 'envp[1]', 'end of envp'];

  test('sysv', () => {
    const made = plan();
    expect(names(made).slice(0, 9)).toEqual(['argc', ...ARGV, ...ENVP]);
    expect(names(made)).toHaveLength(9 + AUXV_TYPES.length + 1);
    expect(names(made).at(-1)).toBe('AT_NULL');
  });

  test('aout, 32 bits', () => {
    const made = plan({ arch: 'i386', stack: { layout: 'aout', execution: 'none' } });
    expect(names(made)).toEqual(['argc', 'argv', 'envp', ...ARGV, ...ENVP]);
    const [argc, argv, , first] = stackEntries(made.stack, 'i386');
    expect(argc?.value).toEqual({ base: 'absolute', offset: 4n });
    expect(argv?.value).toEqual(first?.at);
  });

  test('no environment and no arguments', () => {
    const invocation = { program: 'p', argv: [], envp: [], execfn: text('p') };
    const bare = planProgram(image(), invocation, fakeHost());
    expect(names(bare).slice(0, 4)).toEqual(['argc', 'end of argv', 'end of envp', 'AT_SYSINFO_EHDR']);
  });

  test('strings are those that were given', () => {
    const made = plan();
    const strings = stackEntries(made.stack, made.arch).flatMap(({ string }) =>
      string === undefined ? [] : [Buffer.from(string).toString('latin1')],
    );
    expect(strings.slice(0, 3)).toEqual(['program', '', '\xff\n']);
    expect(strings.slice(4)).toEqual(['A=1', 'B=\u00c3\u00bc', '/x/program', 'x86_64']);
  });
});

describe('text', () => {
  const lines = planText(plan()).split('\n');

  test('has every step, numbered in order', () => {
    const ops = lines.flatMap((line) => /^ *\d+ {2}([a-z]+)/.exec(line)?.[1] ?? []);
    expect(ops).toEqual(plan().steps.map(({ op }) => op));
  });

  test('shows addresses, protections and files', () => {
    const all = lines.join('\n');
    expect(all).toMatch(/mmap +0x401000 +0x1000 +r-x +file 0 at 0x1000: text/);
    expect(all).toMatch(/zero +0x402010 +0xff0 +data, page tail/);
    expect(all).toContain('file 0   /x/program');
    expect(all).toMatch(/jump +0x401000, stack pointer stack-0x/);
    expect(all).toMatch(/AT_UID +what the kernel gives the stub/);
    expect(all).toMatch(/exe_fd +file 0/);
    expect(all).toMatch(
      /by field, with lowest 0x100000 and highest 0x7fffffffefff:\n +start_code=lowest end_code /,
    );
    expect(all).toMatch(/ env_end\s+env_start\s+auxv\s+exe_file\n/);
  });

  test('keeps one line a word, whatever the strings hold', () => {
    expect(lines.some((line) => line.includes('"\\xff\\x0a"'))).toBe(true);
    expect(lines.some((line) => /"y+"…$/.test(line))).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});

test('JSON survives the way there and back, and has no bare numbers for addresses', () => {
  const document: unknown = planJson(plan());
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  expect(document).toMatchObject({
    program: 'program',
    arch: 'x86_64',
    comm: { text: 'program' },
    files: [{ path: { text: '/x/program' }, offset: '0x0' }],
    steps: expect.arrayContaining([
      {
        op: 'mmap',
        at: { base: 'absolute', offset: '0x401000' },
        size: '0x1000',
        protection: 'r-x',
        file: { index: 0, offset: '0x1000' },
        replace: false,
        what: 'text',
      },
      expect.objectContaining({
        op: 'mm',
        byField: expect.objectContaining({
          lowest: '0x100000',
          sequence: expect.arrayContaining([{ field: 'start_code', to: 'lowest' }]),
        }),
      }),
    ]),
  });
});

test('an interpreter that the stub loads is named, and where the jump goes nobody knows before', async () => {
  const found = await imageOf(handmade('elf64-dynamic-pie'));
  const made = loadingInterpreter(planOf(found), found);
  const shown = planText(made);
  expect(shown).toMatch(/interpreter \/handmade\/ld\.so, as it is then: its interpreter\n/);
  expect(shown).toMatch(/jump +interpreter entry, stack pointer stack-0x/);
  expect(planJson(made)).toMatchObject({
    steps: expect.arrayContaining([
      { op: 'interpreter', path: { text: INTERPRETER_PATH }, what: 'its interpreter' },
      expect.objectContaining({ op: 'jump', entry: 'interpreter entry' }),
    ]),
  });
});
