/** The package as npm packs it, from what was built. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { NODE_PATH, ROOT, run } from './run.ts';

export interface PackedFile {
  readonly path: string;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
}

export interface Packed {
  /** The path of the .tgz file. */
  readonly tarball: string;
  /** Bytes, of the .tgz file and of what is in it. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

/** For npm and its like: the machine's own settings of registries and certificates. */
export const npmEnvironment = (): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  PATH: NODE_PATH,
  CI: '1',
  NO_COLOR: '1',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
});

/** Packs what lies in `from` into `directory`, and builds nothing, since others use dist/ at the same time. */
export async function pack(directory: string, from = ROOT): Promise<Packed> {
  mkdirSync(directory, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory, from];
  const { status, stdout, stderr } = await run('npm', args, {
    cwd: directory,
    env: npmEnvironment(),
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  const report = JSON.parse(stdout) as readonly (Packed & { filename: string })[];
  const [first] = Array.isArray(report) ? report : Object.values(report);
  if (first === undefined) throw new Error('npm pack has packed nothing');
  return { ...first, tarball: join(directory, first.filename) };
}

const BLOCK = 512;

/** The files of a .tgz by name, without the folder that holds them all; POSIX ustar, pax headers with long names. */
export function unpack(tarball: string): Map<string, Buffer> {
  const bytes = gunzipSync(readFileSync(tarball));
  const files = new Map<string, Buffer>();
  const text = (at: number, length: number) =>
    bytes.toString('utf8', at, at + length).replace(/\0[\s\S]*/, '');
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    const type = text(at + 156, 1);
    const prefix = text(at + 345, 155);
    const name = longName ?? (prefix === '' ? '' : `${prefix}/`) + text(at, 100);
    longName = type === 'x' ? /(?:^|\n)\d+ path=([^\n]*)/.exec(content.toString())?.[1] : undefined;
    if (type === '0') files.set(name.replace(/^[^/]*\//, ''), content);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** A copy of the sources and of the packages that they are built with, as if nobody had built anything there; returns its path. */
export function checkout(directory: string): string {
  const left = new Set(['.git', 'dist', 'dist.new', 'coverage'].map((name) => join(ROOT, name)));
  const copy = join(directory, 'checkout');
  cpSync(ROOT, copy, { recursive: true, verbatimSymlinks: true, filter: (path) => !left.has(path) });
  return copy;
}
