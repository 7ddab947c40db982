/** Which parts of a configuration are about a program. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { descriptorIn } from '../../launch/descriptor.ts';
import { findCommand } from '../../launch/names.ts';
import { isHttpUrl, parseHttpUrl } from '../../source/http-url.ts';
import type { Part } from './fields.ts';

/** What a program is called. */
export interface Target {
  /** The last part of its path or URL. */
  readonly name: string;
  /** The absolute path that it was named by or is found at in PATH, and that of the file behind links; or its URL. */
  readonly paths: readonly string[];
}

/** Undefined where nothing is named: a descriptor, or a name that nobody can make sense of. */
export function targetOf(program: Uint8Array, searchPath: Uint8Array | undefined): Target | undefined {
  const text = Buffer.from(program).toString();
  if (isHttpUrl(text)) {
    const { url, file } = parseHttpUrl(text);
    url.search = '';
    return { name: file, paths: [url.href] };
  }
  if (text === '' || descriptorIn(program) !== undefined) return undefined;
  const found = findCommand(program, searchPath);
  const path = found === undefined ? text : Buffer.from(found).toString();
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    paths: path.includes('/') ? [resolve, realpathSync].flatMap((find) => pathBy(find, path)) : [],
  };
}

/** None for a relative path where there is no current directory any more, or for what is not there. */
function pathBy(find: (path: string) => string, path: string): string[] {
  try {
    return [find(path)];
  } catch {
    return [];
  }
}

/** How much of a program a part says, as numbers of which the first that differs decides. */
type Rank = readonly [kind: number, length: number];

/**
 * The parts that are about a program, the most general first: what is for all, for a directory and then for one in it, for
 * a name, and for a path.
 */
export function partsFor(
  parts: readonly Part[],
  target: Target | undefined,
  home: string | undefined,
): Part[] {
  return parts
    .flatMap((part) => {
      const rank = rankOf(part, target, home);
      return rank === undefined ? [] : [{ part, rank }];
    })
    .sort((one, other) => one.rank[0] - other.rank[0] || one.rank[1] - other.rank[1])
    .map(({ part }) => part);
}

function rankOf({ key }: Part, target: Target | undefined, home: string | undefined): Rank | undefined {
  if (key === undefined) return [0, 0];
  if (target === undefined) return undefined;
  if (!key.includes('/')) return key === target.name ? [2, 0] : undefined;
  const path = normal(key, home);
  if (path === undefined) return undefined;
  if (path.endsWith('/'))
    return target.paths.some((each) => each.startsWith(path)) ? [1, path.length] : undefined;
  return target.paths.includes(path) ? [3, 0] : undefined;
}

/** A key as paths and URLs of programs are written. */
function normal(key: string, home: string | undefined): string | undefined {
  if (isHttpUrl(key)) return URL.canParse(key) ? new URL(key).href : undefined;
  if (key.startsWith('~/') && home === undefined) return undefined;
  const path = key.startsWith('~/') ? resolve(home ?? '/', key.slice(2)) : resolve(key);
  return key.endsWith('/') && path !== '/' ? `${path}/` : path;
}
