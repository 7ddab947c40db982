/** What a program is called with, checked as child_process checks it, and as the bytes that the kernel is given. */
import { fileURLToPath } from 'node:url';
import type { LoadOptions } from './options.ts';

/** Throws TypeError, with Node's code for it, for what no C string can be. */
export function cString(text: unknown, what: string): Buffer {
  checkString(text, what);
  return Buffer.from(text);
}

/** As cString, of what is to stay a string. `what[index]` is how it is called. */
export function checkString(text: unknown, what: string, index?: number): asserts text is string {
  if (typeof text === 'string' && !text.includes('\0')) return;
  const name = index === undefined ? what : `${what}[${index}]`;
  if (typeof text !== 'string') throw argumentError(`${name} must be a string`, 'ERR_INVALID_ARG_TYPE');
  throw argumentError(`${name} must have no null bytes in it`, 'ERR_INVALID_ARG_VALUE');
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

export function checkArguments(args: readonly string[]): void {
  if (!Array.isArray(args)) throw argumentError('args must be an array of strings', 'ERR_INVALID_ARG_TYPE');
  for (let index = 0; index < args.length; index++) checkString(args[index], 'args', index);
}

export function argumentBytes(args: readonly string[]): Buffer[] {
  checkArguments(args);
  return args.map((arg) => Buffer.from(arg));
}

/** Undefined where it is this process's own. */
export function directoryBytes({ cwd }: LoadOptions): Buffer | undefined {
  if (cwd === undefined || cwd === null) return undefined;
  return cString(cwd instanceof URL ? fileURLToPath(cwd) : cwd, 'options.cwd');
}
