/**
 * Runs the compilers and linkers for the recipes, always in samples/ and with paths relative to it: a path
 * of this checkout must never find its way into a binary, or `--check` would fail in the next checkout.
 */
import { spawnSync } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SAMPLES = fileURLToPath(new URL('..', import.meta.url));

/** Which Debian package a tool comes from, for the one message a newcomer will need. */
const DEBIAN_PACKAGES = {
  gcc: 'gcc',
  nasm: 'nasm',
  ld: 'binutils',
  nm: 'binutils',
  objcopy: 'binutils',
  'i386-pc-msdosdjgpp-ld': 'binutils-djgpp',
  xz: 'xz-utils',
  zstd: 'zstd',
} as const;

export type Tool = keyof typeof DEBIAN_PACKAGES;

/** One file the recipes know how to make. `scratch` is an empty directory that is theirs to fill. */
export interface Artifact {
  readonly file: string; // relative to samples/
  readonly executable: boolean;
  make(scratch: string): Uint8Array;
}

export class MissingTool extends Error {
  constructor(what: string, debianPackage: string) {
    super(`${what} is missing: on Debian, apt-get install ${debianPackage}`);
  }
}

export class ToolFailed extends Error {}

/** Runs a tool and returns what it printed. Nothing of the caller's environment but PATH reaches it. */
export function run(tool: Tool, args: readonly string[], cwd = SAMPLES): string {
  const environment = { PATH: process.env['PATH'], LC_ALL: 'C', SOURCE_DATE_EPOCH: '0' };
  const result = spawnSync(tool, args, { cwd, env: environment, encoding: 'utf8' });
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') {
    throw new MissingTool(tool, DEBIAN_PACKAGES[tool]);
  }
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new ToolFailed(`${tool} ${args.join(' ')}\n${result.stderr}${result.signal ?? ''}`);
  }
  return result.stdout;
}

/** gcc answers with a bare name where it does not find the file: no 32-bit libc is installed. */
export function requireI386Libc(): void {
  const found = run('gcc', ['-m32', '-print-file-name=crt1.o']).trim();
  if (!isAbsolute(found)) throw new MissingTool('the i386 libc for gcc -m32', 'gcc-multilib');
}

/** The addresses and numbers of an object's symbols. */
export function symbols(object: string): Map<string, number> {
  const lines = run('nm', [object]).trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [value = '', , name = ''] = line.split(' ');
      return [name, Number.parseInt(value, 16)];
    }),
  );
}
