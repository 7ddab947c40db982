/** A program that is a secret, sealed, and the ways to run it and to look for it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { NOBODY as SETPRIV_NOBODY } from '../../support/confine.ts';
import { type Installation, installAt } from '../../support/installation.ts';
import { type Living, startAndSettle } from '../../support/proc.ts';
import { temporary } from '../../support/run.ts';
import { compile } from '../compile.ts';

/** What secret.c has in its code, its constants and its data. */
export const SECRET = Buffer.from('d71e9a43f06b8825bc09e15d72c63f94', 'hex');
export const IS_ROOT = process.getuid?.() === 0;
/** Whoever is not root is nobody enough. */
export const NOBODY = IS_ROOT ? SETPRIV_NOBODY : [];
/** With it every attack must succeed, or it is none. */
export const OPEN = '--not-confidential';
/** The names of the sealed programs: as it is, and packed before. */
export const SEALED = ['sealed', 'sealed-gzip', 'sealed-xz', 'sealed-zstd'] as const;

export interface Sealed {
  readonly directory: string;
  readonly installation: Installation;
  at(name: string): string;
  /** Starts one as nobody and waits until it is at rest. */
  living(name: string, options?: readonly string[]): Promise<Living>;
  remove(): void;
}

/** Everything in a directory that everybody can reach; the key is in the file `key`. */
export async function sealedPrograms(): Promise<Sealed> {
  const { path: directory, remove } = temporary();
  const at = (name: string) => join(directory, name);
  const installation = installAt(directory, []);
  const program = await compile('secret.c', ['-static'], at('plain'));
  const key = execFileSync('age-keygen', { stdio: ['ignore', 'pipe', 'ignore'] });
  writeFileSync(at('key'), key);
  const recipient = /age1\w+/.exec(key.toString())?.[0] ?? '';
  const bytes = readFileSync(program);
  const inputs = [
    bytes,
    gzipSync(bytes),
    execFileSync('xz', ['-c', program]),
    execFileSync('zstd', ['-qc', program]),
  ];
  for (const [index, name] of SEALED.entries()) {
    execFileSync('age', ['-r', recipient, '-o', at(name)], { input: inputs[index] });
    chmodSync(at(name), 0o755);
  }
  return {
    directory,
    installation,
    at,
    living(name, options = []) {
      const words = [...NOBODY, installation.command, ...options, '-i', at('key'), at(name)];
      const [file = '', ...args] = words;
      return startAndSettle(file, args, { env: installation.environment, cwd: directory });
    },
    remove,
  };
}
