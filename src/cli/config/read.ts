/** Reading the user's configuration: JSON, or a script that exports the same. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Json, parseJson, step } from '../../../loaders/manifest/json.ts';
import { ForeignError, FormatError } from '../../errors.ts';
import { defaultExport } from '../../plugins/check-loader.ts';
import type { LoaderFile } from '../../plugins/names.ts';
import { whoElseWrites } from '../../plugins/private-path.ts';
import { Misfit, type Part, partsOf, placeText } from './fields.ts';

export interface Configuration {
  /** Where the user put it. */
  readonly file: string;
  /** Where it lies: what names in it count from. */
  readonly path: string;
  readonly parts: readonly Part[];
}

/** Bytes. */
const MAX_SIZE = 1024 * 1024;
const REFUSED = 'is no configuration';

/** Runs a script and looks at what it exports. */
type Run = <T>(file: LoaderFile, look: (exported: unknown) => T) => Promise<T>;

/** A file that others could have written is not read: `refuse` is told why. Throws USAGE, and what `run` throws. */
export async function readConfiguration(
  file: string,
  env: NodeJS.ProcessEnv,
  run: Run,
  refuse: (why: string) => void,
): Promise<Configuration | undefined> {
  const home = env['HOME']?.startsWith('/') ? env['HOME'] : undefined;
  const doubt = whoElseWrites(file, home);
  if (doubt !== undefined) {
    refuse(`${file} is not read: ${doubt}`);
    return undefined;
  }
  const path = realpathSync(file);
  if (!statSync(path).isFile())
    throw new ForeignError('USAGE', `${REFUSED}: it is no regular file`, { subject: file });
  const around = { directory: dirname(path), home };
  const isScript = path.endsWith('.js');
  const json = isScript ? undefined : jsonIn(file);
  const value = json === undefined ? await run({ path, compiled: true }, exported) : json.value;
  try {
    return { file, path, parts: partsOf(value, around) };
  } catch (cause) {
    throw cause instanceof Misfit ? misfitError(file, json, cause) : cause;
  }
}

const exported = (module: unknown): unknown => defaultExport(module).object();

/** A text that can still say where its values stand. */
interface Placed extends Json {
  /** The line and column of an error, both from 1. */
  lineAt(error: FormatError): string;
}

function jsonIn(file: string): Placed {
  if (statSync(file).size > MAX_SIZE)
    throw new ForeignError('USAGE', `${REFUSED}: it has more than ${MAX_SIZE} bytes`, { subject: file });
  const bytes = contentOf(file);
  const text = bytes.toString();
  const lineAt = ({ location }: FormatError): string => {
    const before = bytes.subarray(0, location.offset).toString().split('\n');
    return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
  };
  if (!Buffer.from(text).equals(bytes))
    throw new ForeignError('USAGE', `${REFUSED}: it is not in UTF-8`, { subject: file });
  try {
    return { ...parseJson(text, 0, { name: 'configuration', refused: REFUSED }), lineAt };
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new ForeignError('USAGE', cause.message, { subject: `${file}:${lineAt(cause)}`, cause });
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ForeignError('USAGE', `cannot be read: ${code}`, { subject: file, cause });
  }
}

const LONGEST_SHOWN = 60;

function misfitError(
  file: string,
  json: Placed | undefined,
  { place, message, value }: Misfit,
): ForeignError {
  const pointer = place.map(step).join('');
  const at = json === undefined ? '' : `:${json.lineAt(json.error(message, pointer, value))}`;
  const shown = JSON.stringify(value) ?? typeof value;
  const found = shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}...` : shown;
  const what = place.length === 0 ? 'it' : placeText(place);
  return new ForeignError('USAGE', `${REFUSED}: ${what} ${message} (it is ${found})`, {
    subject: `${file}${at}`,
    hint: 'docs/configuration.md has the fields',
  });
}
