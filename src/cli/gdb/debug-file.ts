/**
 * The file that tells gdb what is where in a program. That is the program's own, if gdb can read it under its name;
 * else a copy in memory, of what was packed, came through a pipe or lies behind a `#!` line. Of a format that gdb does not
 * read it is one made for the purpose, with the names that the loader knows.
 */
import { fstatSync, readlinkSync, readSync, statSync } from 'node:fs';
import { emitSymbolFile } from '../../emit/symbol-file.ts';
import { memoryCopy, memoryFile } from '../../launch/memory-file.ts';
import type { PreparedProgram } from '../../launch/prepare.ts';
import { valuesFor } from '../../loader/options.ts';
import { symbolsOf } from '../../loader/symbols.ts';
import { readSmall } from '../../source/file.ts';
import type { BackingFile } from '../../source/source.ts';
import type { CommandRequest } from '../run.ts';

/** A file by its name, or as it is open. */
export type DebugFile = { readonly path: Uint8Array } | { readonly fd: number };

/** `canBeNamed` says which names will do. Throws what reading the program does, LOADER_FAILED and MACHINE_REFUSED. */
export async function debugFile(
  prepared: PreparedProgram,
  request: CommandRequest,
  canBeNamed: (path: Uint8Array) => boolean,
): Promise<DebugFile> {
  const { content, plan } = prepared;
  if (!isElf(await content.read(0, Math.min(content.size, ELF_MAGIC.length))))
    return (await besides(prepared, canBeNamed)) ?? { fd: await madeFor(prepared, request) };
  const { file } = content;
  if (file !== undefined && file.offset === 0) {
    const path = nameOf(file);
    return path !== undefined && canBeNamed(path) ? { path } : { fd: file.fd };
  }
  const name = Buffer.from(plan.comm).toString();
  return { fd: await memoryCopy(name, content, request.progress ?? (() => {})) };
}

/**
 * gdbserver looks at /proc/PID/exe to know what it debugs, and takes all that is no ELF file for a program of 32 bits. So
 * a program of 64 bits whose file is none is not to be known by that file.
 */
export function misleadsGdbserver({ exe, image }: PreparedProgram): boolean {
  if (exe === undefined || image.arch === 'i386') return false;
  const bytes = Buffer.alloc(ELF_MAGIC.length);
  readSync(exe.fd, bytes, 0, bytes.length, 0);
  return !isElf(bytes);
}

const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1');
const isElf = (bytes: Uint8Array): boolean => ELF_MAGIC.equals(bytes);

/** Where an open file lies, if it still has a name. */
function nameOf({ fd }: BackingFile): Uint8Array | undefined {
  const path = readlinkSync(`/proc/self/fd/${fd}`, 'buffer');
  const [open, named] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return named !== undefined && named.ino === open.ino && named.dev === open.dev ? path : undefined;
}

/** What the compilers of APEs write beside them, for debuggers. */
const APE_SUFFIXES = ['.dbg', '.com.dbg'];

async function besides(
  { content, image }: PreparedProgram,
  canBeNamed: (path: Uint8Array) => boolean,
): Promise<DebugFile | undefined> {
  const path = content.file && nameOf(content.file);
  if (image.format !== 'ape' || path === undefined) return undefined;
  const found = APE_SUFFIXES.map((suffix) => Buffer.concat([path, Buffer.from(suffix)])).find(isElfFile);
  return found !== undefined && canBeNamed(found) ? { path: found } : undefined;
}

function isElfFile(path: Uint8Array): boolean {
  try {
    return isElf(readSmall(path, ELF_MAGIC.length));
  } catch {
    return false;
  }
}

async function madeFor(
  { content, image, loader, plan }: PreparedProgram,
  { loaderOptions = [], guests }: CommandRequest,
): Promise<number> {
  const limit = guests?.loaders.has(loader) ? guests.limit : undefined;
  const symbols = await symbolsOf(loader, content, { options: valuesFor(loader, loaderOptions) }, limit);
  const { arch, entry, segments, placement } = image;
  const fixed = placement.kind === 'fixed';
  const file = emitSymbolFile({ arch, fixed, entry, segments, symbols });
  return memoryFile(Buffer.from(plan.comm).toString(), file);
}
