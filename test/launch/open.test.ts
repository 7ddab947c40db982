/** What only the kernel can say of a file that is to be executed. */
import { chmodSync, closeSync, openSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openExecutable } from '../../src/launch/open.ts';
import { foreignError } from '../support/errors.ts';
import { temporary } from '../support/run.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());
beforeAll(() => {
  writeFileSync(at('program'), 'no format at all: nobody looks at it');
  chmodSync(at('program'), 0o755);
  symlinkSync('program', at('link'));
});

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('a file that somebody has open for writing', () => {
  test.each(['program', 'link'])('is refused by the name %s, and is closed again', async (name) => {
    const writer = openSync(at('program'), 'a');
    try {
      const before = openDescriptors();
      const error = await foreignError(() => openExecutable(Buffer.from(at(name))));
      expect(error).toMatchObject({
        code: 'NOT_EXECUTABLE',
        exitCode: 126,
        subject: at(name),
        message: 'the file is open for writing',
      });
      expect(openDescriptors()).toBe(before);
    } finally {
      closeSync(writer);
    }
  });

  test('can be executed when it has been closed, and be written to afterwards', () => {
    openExecutable(Buffer.from(at('program'))).close();
    closeSync(openSync(at('program'), 'a'));
  });
});

test('a file that somebody reads is no different', () => {
  const reader = openSync(at('program'), 'r');
  openExecutable(Buffer.from(at('program'))).close();
  closeSync(reader);
});
