/** Programs of the toy format, and loaders from elsewhere in directories of their own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { COMMAND, NODE_PATH, type Outcome, ROOT, type RunOptions, run } from './run.ts';

/** The source of the toy format's loader. */
export const TOY_LOADER = readFileSync(join(ROOT, 'test/programs/loaders/toy.ts'), 'utf8');

/** A loader in JavaScript that says who was asked; `changes` are members that come after its own, and count. */
export function plainLoader(name: string, changes = ''): string {
  return `export default {
  name: '${name}', apiVersion: 1, kind: 'program', description: 'made by a test', magics: [],
  probe: (source) => (source.size > 3 && String(source.read(0, 4)) === 'TOY1' ? 'exact' : null),
  load() { throw new Error('the loader ${name} was asked'); },
  ${changes}
};\n`;
}

const u32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer);

/** Code for x86-64 that writes `text` to standard output and ends with `status`. */
function writingCode(text: string, status: number): Buffer {
  const message = Buffer.from(text);
  const behind = [
    Buffer.of(0xba),
    u32(message.length), // mov edx, length
    Buffer.of(0x0f, 0x05, 0xb8),
    u32(231), // syscall; mov eax, exit_group
    Buffer.of(0xbf),
    u32(status),
    Buffer.of(0x0f, 0x05), // mov edi, status; syscall
  ];
  const distance = behind.reduce((sum, part) => sum + part.length, 0);
  const before = [
    Buffer.of(0xb8),
    u32(1),
    Buffer.of(0xbf),
    u32(1), // mov eax, write; mov edi, 1
    Buffer.of(0x48, 0x8d, 0x35),
    u32(distance), // lea rsi, [rip + distance]
  ];
  return Buffer.concat([...before, ...behind, message]);
}

/** A program of the toy format. */
export function toyProgram(text = 'hello from a toy\n', status = 7): Buffer {
  const code = writingCode(text, status);
  return Buffer.concat([Buffer.from('TOY1'), u32(code.length), u32(0), u32(0), code]);
}

export const TOY_RUN: Outcome = { status: 7, stdout: 'hello from a toy\n', stderr: '' };

/** A page of WRAPPED before a shell, so that the kernel can still map it; see SHELL_LOADER. */
export function wrappedShell(): Buffer {
  const page = Buffer.alloc(4096);
  page.write('WRAPPED');
  return Buffer.concat([page, readFileSync('/bin/sh')]);
}

/** Unwraps that; `when` are statements that run at the import, `probe` and `load` those that run there. */
export function shellLoader({ atImport = '', inProbe = '', inLoad = '' } = {}): string {
  return `import { defineLoader, sourceFrom, startsWith } from 'run-foreign/loader';
${atImport}
export default defineLoader({
  name: 'wrapped', apiVersion: 1, kind: 'wrapper', description: 'a page before a program', magics: [],
  async probe(source) {
    ${inProbe}
    return (await startsWith(source, Buffer.from('WRAPPED'))) ? 'exact' : null;
  },
  load(source) {
    ${inLoad}
    return { kind: 'unwrap', source: sourceFrom(source, 4096) };
  },
});\n`;
}

/** Writes files below `directory`; programs among them can be executed. */
export function writeFiles(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o755 });
  }
}

/** Writes loaders into `directory`, each as a file of its own, whose path it returns. */
export function loaderWriter(directory: string): (source: string, ending?: string) => string {
  let files = 0;
  return (source, ending = 'ts') => {
    const name = `loader-${++files}.${ending}`;
    writeFiles(directory, { [name]: source });
    return `./${name}`;
  };
}

export interface Place extends RunOptions {
  /** The current directory, and the home, in which nothing is but what the test puts there. */
  readonly cwd: string;
}

/** `run-foreign args…` there. */
export function runAt({ cwd, env, ...options }: Place, ...args: readonly string[]): Promise<Outcome> {
  return run(COMMAND, args, { cwd, env: { PATH: NODE_PATH, HOME: cwd, ...env }, ...options });
}

/** It has failed, with `text` in its complaint, and has said nothing else. */
export function expectFailure(
  { status, stdout, stderr }: Outcome,
  text: RegExp | string,
  expected = 125,
): void {
  expect(stderr).toMatch(text);
  expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
}
