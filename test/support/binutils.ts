/** GNU as and objdump, for the tests that compare our encoder with them (project `debian`). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `action` in a directory of its own. */
export function inTemporaryDirectory<T>(action: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'run-foreign-test-'));
  try {
    return action(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Bytes set aside for each piece of assembled text; what a piece leaves free is filled with FILL. */
export const SLOT = 32;
export const FILL = 0xcc;

/** Assembles pieces of Intel-syntax text, each at the beginning of a slot; returns the slots. */
export function assemble(bits: 32 | 64, pieces: readonly string[]): Buffer[] {
  return inTemporaryDirectory((directory) => {
    const path = (name: string) => join(directory, name);
    const body = pieces.map((piece) => `${piece}\n.balign ${SLOT}, ${FILL}\n`).join('');
    writeFileSync(path('in.s'), `.intel_syntax noprefix\n.text\n${body}`);
    execFileSync('as', [`--${bits}`, '-o', path('out.o'), path('in.s')], { stdio: 'pipe' });
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', path('out.o'), path('out.bin')], {
      stdio: 'pipe',
    });
    const bytes = readFileSync(path('out.bin'));
    if (bytes.length !== pieces.length * SLOT) throw new Error('a piece of text has outgrown its slot');
    return pieces.map((_, index) => bytes.subarray(index * SLOT, (index + 1) * SLOT));
  });
}

export interface Instruction {
  readonly offset: number;
  readonly text: string;
}

/** What objdump reads in raw bytes, in Intel syntax. */
export function disassemble(bits: 32 | 64, bytes: Uint8Array): Instruction[] {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, 'code.bin');
    writeFileSync(path, bytes);
    const machine = bits === 64 ? 'i386:x86-64' : 'i386';
    const options = ['-D', '-b', 'binary', '-m', machine, '-M', 'intel', '--no-show-raw-insn', path];
    const output = execFileSync('objdump', options, { encoding: 'utf8', maxBuffer: 1 << 28 });
    return [...output.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm)].map(([, offset = '', text = '']) => ({
      offset: Number.parseInt(offset, 16),
      text: text.replace(/\s+/g, ' ').trim(),
    }));
  });
}
