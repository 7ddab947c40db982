/**
 * What was compiled before, in a directory of the user's that nobody else can look into or change. An entry counts as long
 * as every file that it was made of has the content it had then. Without such a directory all is compiled anew.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import own from '../../package.json' with { type: 'json' };
import type { Compiled } from './compile.ts';
import { compilerVersion } from './esbuild.ts';
import { whoElseReads } from './private-path.ts';
import { userDirectory } from './user-directory.ts';

/** What an entry depends on beside the files. */
const madeByUs = (): string => `run-foreign ${own.version}, esbuild ${compilerVersion()}, format 1`;
const MAX_INPUTS = 10_000;

interface Entry extends Compiled {
  readonly madeBy: string;
  /** SHA-256 of each input, hex. */
  readonly digests: readonly string[];
}

export interface Cache {
  get(file: string): Compiled | undefined;
  put(file: string, compiled: Compiled): void;
}

/** Told why there is no cache. */
export type Say = (text: string) => void;

/** The cache in `$XDG_CACHE_HOME/run-foreign/loaders`, or under ~/.cache; one that keeps nothing where that is not safe. */
export function openCache(env: NodeJS.ProcessEnv, say: Say): Cache {
  const base = userDirectory(env, 'XDG_CACHE_HOME');
  const directory = join(base ?? '', 'run-foreign', 'loaders');
  const refused = base === undefined ? 'there is no home directory' : prepare(directory);
  if (refused !== undefined) {
    say(`loaders are compiled at each start: ${refused}`);
    return { get: () => undefined, put: () => {} };
  }
  // One for a file: who changes a loader does not fill the directory.
  const entryPath = (file: string) => join(directory, `${sha256(file)}.json`);
  return {
    get: (file) => readEntry(entryPath(file), file),
    put(file, compiled) {
      try {
        writeEntry(entryPath(file), compiled);
      } catch (cause) {
        say(`a compiled loader cannot be kept: ${(cause as Error).message}`);
      }
    },
  };
}

/** Makes the directory; returns why it cannot be used. */
function prepare(directory: string): string | undefined {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return whoElseReads(directory);
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** What stands at `path`, if it was made of `file` and what that imports as they are now. */
function readEntry(path: string, file: string): Compiled | undefined {
  try {
    const entry = JSON.parse(readFileSync(path, 'utf8')) as Partial<Entry>;
    const { madeBy, inputs, digests, code } = entry;
    if (madeBy !== madeByUs() || typeof code !== 'string') return undefined;
    if (!Array.isArray(inputs) || !Array.isArray(digests) || inputs.length > MAX_INPUTS) return undefined;
    if (!inputs.includes(file)) return undefined;
    const current = inputs.every((input, index) => digestOf(input) === digests[index]);
    return current ? { code, inputs } : undefined;
  } catch {
    return undefined;
  }
}

function writeEntry(path: string, compiled: Compiled): void {
  const entry: Entry = { ...compiled, madeBy: madeByUs(), digests: compiled.inputs.map(digestOf) };
  const temporary = `${path}.${randomUUID()}`;
  try {
    writeFileSync(temporary, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

const digestOf = (path: string): string => sha256(readFileSync(path));
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
