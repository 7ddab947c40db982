/** The ELF file that debuggers get for formats they do not read, as readelf and nm read it. */
import { afterAll, describe, expect, test } from 'vitest';
import { emitSymbolFile } from '../../src/emit/symbol-file.ts';
import { run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

const name = (text: string) => Buffer.from(text, 'latin1');
const RX = { read: true, write: false, execute: true };
const RW = { read: true, write: true, execute: false };

describe.each(['x86_64', 'i386'] as const)('%s', (arch) => {
  const file = directory.file(
    `symbols-${arch}`,
    emitSymbolFile({
      arch,
      fixed: true,
      entry: 0x1020n,
      segments: [
        { address: 0x1000n, size: 0x1000n, protection: RX },
        { address: 0x8000_0000n, size: 0x123n, protection: RW },
      ],
      symbols: [
        { name: name('_main'), address: 0x1020n, kind: 'code', global: true },
        { name: name('local'), address: 0x1040n, kind: 'code', global: false },
        { name: name('table'), address: 0x8000_0010n, kind: 'data', global: true },
        { name: name('version'), address: 0x12n, kind: 'other', global: true },
      ],
    }),
  );

  test('readelf finds nothing wrong with it', async () => {
    const { stdout, stderr } = await run('readelf', ['-hSW', file]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Type: +EXEC/);
    expect(stdout).toMatch(/Entry point address: +0x1020/);
    expect(stdout).toMatch(/\.text +NOBITS +0*1000 \w+ 0*1000 00 +AX/);
    expect(stdout).toMatch(/\.segment1 +NOBITS +0*80000000 \w+ 0*123 00 +WA/);
  });

  test('nm knows every name and its kind', async () => {
    const { stdout, stderr } = await run('nm', [file]);
    expect(stderr).toBe('');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^0+/, ''));
    expect(lines).toEqual(['1020 T _main', '1040 t local', '80000010 B table', '12 A version']);
  });

  test('what may be anywhere is of the type that may', async () => {
    const moving = emitSymbolFile({ arch, fixed: false, entry: 0x20n, segments: [], symbols: [] });
    const { stdout, stderr } = await run('readelf', ['-hW', directory.file('moving', moving)]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Type: +DYN/);
  });
});
