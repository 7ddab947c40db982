/**
 * Golden files: JSON with bigints as hex strings, one value a line. UPDATE_GOLDEN=1 writes them anew
 * (`UPDATE_GOLDEN=1 npx vitest run --project portable test/plan`); the diff is then for a person to read.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';

/** The value as JSON can hold it: bigints and byte arrays as text, file descriptors untouched. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  return value;
}

/** Compares with the golden file at `path`, or writes it where UPDATE_GOLDEN is set. */
export function expectGolden(path: URL, value: unknown): void {
  const actual = plain(value);
  if (process.env['UPDATE_GOLDEN'] !== undefined) {
    mkdirSync(dirname(path.pathname), { recursive: true });
    writeFileSync(path, `${JSON.stringify(actual, undefined, 2)}\n`);
  }
  expect(actual).toEqual(JSON.parse(readFileSync(path, 'utf8')));
}
