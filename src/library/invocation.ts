/** What a program is called with, checked as child_process checks it, and as the bytes that the kernel is given. */
import { fileURLToPath } from 'node:url';
import type { LoadOptions } from './options.ts';

/** Throws TypeError, with Node's code for it, for what no C string can be. */
export function cString(text: unknown, what: string): Buffer {
  if (typeof text !== 'string') throw argumentError(`${what} must be a string`, 'ERR_INVALID_ARG_TYPE');
  if (text.includes('\0'))
    throw argumentError(`${what} must have no null bytes in it`, 'ERR_INVALID_ARG_VALUE');
  return Buffer.from(text);
}

export function argumentError(message: string, code: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

/** `NAME=VALUE` strings, with inherited properties, as child_process has them. */
export function environmentBytes({ env = process.env }: LoadOptions): Buffer[] {
  const strings: Buffer[] = [];
  for (const name in env) {
    const value = env[name];
    if (value !== undefined) strings.push(cString(`${name}=${value}`, `options.env['${name}']`));
  }
  return strings;
}

export function argumentBytes(args: readonly string[]): Buffer[] {
  if (!Array.isArray(args)) throw argumentError('args must be an array of strings', 'ERR_INVALID_ARG_TYPE');
  return args.map((arg, index) => cString(arg, `args[${index}]`));
}

/** Undefined where it is this process's own. */
export function directoryBytes({ cwd }: LoadOptions): Buffer | undefined {
  if (cwd === undefined || cwd === null) return undefined;
  return cString(cwd instanceof URL ? fileURLToPath(cwd) : cwd, 'options.cwd');
}
