/**
 * What a WASI command sees of the file system. WASI has no current directory and no root, only directories that are
 * open from the start, by name; C and Rust take the one whose name is the longest beginning of a path, and forget
 * leading `/` and `./` before they compare.
 */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Directories by the name that the program sees. */
export type Preopens = Record<string, string>;

/** `HOST` or `HOST::GUEST`, as wasmtime's --dir takes it. */
export function parseDirectory(text: string): [guest: string, host: string] {
  const separator = text.indexOf('::');
  if (separator < 0) return [text, text];
  return [text.slice(separator + 2), text.slice(0, separator)];
}

/**
 * As near to what a native program sees as such programs allow: relative paths in the current directory, and each
 * directory of the root by its own name, because a `/` would be taken for every relative path. Where the current
 * directory has an entry of the same name, relative paths win. The current one comes first: Zig looks there.
 */
export function nativeDirectories(cwd: string): Preopens {
  const directories: Preopens = { '.': cwd };
  if (cwd === '/') return directories;
  for (const { name } of readdirSync('/', { withFileTypes: true })) {
    const path = join('/', name);
    if (!existsSync(join(cwd, name)) && canBeOpened(path)) directories[path] = path;
  }
  directories[cwd] = cwd;
  // What leads out of a directory has to be a directory by its own name.
  for (let path = dirname(cwd), name = '..'; ; path = dirname(path), name = `${name}/..`) {
    if (canBeOpened(path)) directories[name] = path;
    if (path === '/') break;
  }
  return directories;
}

function canBeOpened(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
