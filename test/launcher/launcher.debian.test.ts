/** The launcher's code through objdump, and a machine without Node, made by hiding it in a mount namespace. */
import { readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { emitLauncher } from '../../src/launcher/launcher.ts';
import { BUILD_ID } from '../../src/launcher/start-file.ts';
import { expectCode } from '../support/emitted-code.ts';
import { COMMAND, quote, run } from '../support/run.ts';

test('a machine without Node is told what is missing', async () => {
  const places = ['/usr/local/bin/node', '/usr/bin/node', '/bin/node', readlinkSync('/proc/self/exe')];
  const hide = places.map((path) => `[ ! -e ${path} ] || mount --bind /dev/null ${path}`).join('\n');
  const script = `${hide}\nPATH=/nowhere exec ${quote(COMMAND)} /bin/true`;
  const outcome = await run('unshare', [
    '--mount',
    ...(process.getuid?.() === 0 ? [] : ['-Ur']),
    'sh',
    '-c',
    script,
  ]);
  expect(outcome).toEqual({
    status: 125,
    stdout: '',
    stderr: 'run-foreign: needs Node.js 20.19, or 22.3 or newer, and there is no node in PATH: ENOENT\n',
  });
});

test('the code, from the entry point to the end of the file', () => {
  const launcher = Buffer.from(emitLauncher(BUILD_ID));
  // Elf64_Ehdr.e_entry, and p_vaddr of the first program header, which maps the whole file.
  const [entry, address] = [launcher.readBigUInt64LE(24), launcher.readBigUInt64LE(64 + 16)];
  expectCode(64, launcher.subarray(Number(entry - address)));
});
