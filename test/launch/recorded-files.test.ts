/** Files that must still be what they were. */
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileReference } from '../../src/image/process-state.ts';
import { changeOf } from '../../src/launch/recorded-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'recorded-'));
afterAll(() => rmSync(directory, { recursive: true }));
const ROOT = Buffer.from('/');
const path = join(directory, 'file');

function recorded(changes: Partial<FileReference> = {}): FileReference {
  writeFileSync(path, 'content');
  utimesSync(path, 1000, 1000);
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return { path: Buffer.from(path), size, mtimeNs, ...changes };
}

describe('a file', () => {
  it('is what it was', () => {
    expect(changeOf(recorded(), ROOT)).toBeUndefined();
  });

  it('of which nothing is known must only be there', () => {
    expect(changeOf(recorded({ size: undefined, mtimeNs: undefined }), ROOT)).toBeUndefined();
  });

  it('is found where the process’s root was', () => {
    const file = recorded({ path: Buffer.from('/file') });
    expect(changeOf(file, Buffer.from(directory))).toBeUndefined();
    expect(changeOf(file, ROOT)?.kind).toBe('missing');
  });

  it('says what is different', () => {
    expect(changeOf(recorded({ size: 5n }), ROOT)).toEqual({
      kind: 'other',
      what: 'had 5 bytes and has 7 now',
    });
    expect(changeOf(recorded({ mtimeNs: 1_500_000_001n }), ROOT)).toEqual({
      kind: 'other',
      what: 'was last written at 1970-01-01T00:00:01.500000001Z, and now at 1970-01-01T00:16:40.000000000Z',
    });
    expect(changeOf(recorded({ buildId: Buffer.from('abcd', 'hex') }), ROOT)).toEqual({
      kind: 'other',
      what: 'had the build id abcd and has none now',
    });
  });

  it('is missing when it is something else', () => {
    const what = 'is no regular file any more';
    expect(changeOf({ path: Buffer.from(directory) }, ROOT)).toEqual({ kind: 'missing', what });
    expect(changeOf({ path: Buffer.from(join(directory, 'none')) }, ROOT)?.what).toBe(
      'is not there any more',
    );
  });
});
