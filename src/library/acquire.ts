/** The program for one start: from a handle, from among those started lately, or loaded for it. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand } from '../launch/names.ts';
import { cache, findCached } from './cache.ts';
import { argumentBytes, directoryBytes } from './invocation.ts';
import { LoadedImage, programOf } from './loaded-image.ts';
import { openForeign, type ProgramLocation } from './open.ts';
import type { LoadOptions } from './options.ts';
import type { Program } from './program.ts';

const SLASH = 0x2f;

/** What can be started: a name, a URL, the bytes themselves, or what `loadImage` gave. */
export type ForeignProgram = ProgramLocation | LoadedImage;

/** Where nothing must be loaded: held for the caller, who releases it. Throws ForeignError. */
export function findKnown(program: ForeignProgram, options: LoadOptions): Program | undefined {
  if (program instanceof LoadedImage) return heldProgram(program);
  const key = cacheKey(program, options);
  return key === undefined ? undefined : findCached(key);
}

/** Loads that are under way, by the keys that they are kept by. */
const loading = new Map<string, Promise<unknown>>();

/** Held for the caller, who releases it. `args` are without argv[0]. Throws ForeignError. */
export async function acquire(
  program: ForeignProgram,
  args: readonly string[],
  options: LoadOptions,
): Promise<Program> {
  if (program instanceof LoadedImage) return heldProgram(program);
  const key = cacheKey(program, options);
  if (key === undefined) return openForeign(program, options, { args: argumentBytes(args) });
  // Whoever loads it already may keep it; if not, each loads it, and nobody waits a second time.
  await loading.get(key)?.catch(() => {});
  const known = findCached(key);
  if (known !== undefined) return known;
  const coming = load(key, program, args, options);
  loading.set(key, coming);
  try {
    return await coming;
  } finally {
    if (loading.get(key) === coming) loading.delete(key);
  }
}

async function load(
  key: string,
  program: ProgramLocation,
  args: readonly string[],
  options: LoadOptions,
): Promise<Program> {
  let settled = true;
  const onUnsettled = () => {
    settled = false;
  };
  const loaded = await openForeign(program, options, { args: argumentBytes(args), onUnsettled });
  if (settled && isOfFiles(loaded)) cache(key, loaded);
  return loaded;
}

/** Of a handle, for the caller, who releases it. Throws ForeignError. */
export function heldProgram(handle: LoadedImage): Program {
  const held = programOf(handle).hold();
  try {
    held.check();
    return held;
  } catch (cause) {
    held.release();
    throw cause;
  }
}

/** Undefined where the same answer cannot be relied on: then the loaders are asked each time. */
function cacheKey(program: ProgramLocation, options: LoadOptions): string | undefined {
  const { loaders, loaderOptions, network, secrets, format, argv0, maxSize } = options;
  const name = program instanceof URL && program.protocol === 'file:' ? fileURLToPath(program) : program;
  if (typeof name !== 'string' || loaders !== undefined || network !== undefined || secrets !== undefined)
    return undefined;
  const plain =
    argv0 === undefined && format === undefined && maxSize === undefined && loaderOptions === undefined;
  // What this path leads to is seen where it is looked for among those that are kept.
  if (plain && name[0] === '/') return name;
  const path = (options.env ?? process.env)['PATH'];
  const searchPath = path === undefined ? undefined : Buffer.from(path);
  const cwd = directoryBytes(options);
  const found = findCommand(Buffer.from(name), searchPath, cwd);
  if (found === undefined) return undefined;
  const from = found[0] === SLASH ? undefined : resolve(cwd?.toString() ?? '.');
  return JSON.stringify(
    [Buffer.from(found).toString('latin1'), from, name, argv0, format, maxSize, loaderOptions],
    (_, value) => (typeof value === 'bigint' ? value.toString() : value),
  );
}

/** What lies in memory is not kept without being asked for; nor is what a file led to by a path that counts from anywhere. */
function isOfFiles({ loaded: { image }, files }: Program): boolean {
  const segments = [...image.segments, ...(image.interpreter?.segments ?? [])];
  return (
    files.slice(1).every(({ path }) => path[0] === SLASH) &&
    segments.every(({ content }) => content === undefined || content.source.file !== undefined)
  );
}
