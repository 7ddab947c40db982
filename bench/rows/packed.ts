/** Packed programs, against unpacking and summing up the same file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND } from '../../test/support/run.ts';
import { command, output, pipeline } from '../commands.ts';
import { LARGE, program } from '../program.ts';
import type { Group } from '../row.ts';

/** The tool, and the Debian package that has it. */
const TOOLS = { gzip: 'gzip', xz: 'xz-utils', zstd: 'zstd' };

export function packed(directory: string): Group {
  const plain = join(directory, 'packable');
  writeFileSync(plain, program(LARGE, true), { mode: 0o755 });
  const rows = Object.entries(TOOLS).map(([tool, debianPackage]) => {
    output(tool, ['-1', '-k', '-f', plain], debianPackage);
    const file = `${plain}.${{ gzip: 'gz', xz: 'xz', zstd: 'zst' }[tool]}`;
    return {
      name: `${tool}, 100 MB`,
      unit: 'ms' as const,
      subject: command('run-foreign', [COMMAND, file]),
      against: [pipeline(`${tool} -dc into sha256sum`, `${tool} -dc ${file} | sha256sum`)],
      beside: [pipeline(`${tool} -dc >/dev/null`, `${tool} -dc ${file} >/dev/null`)],
    };
  });
  return { rows };
}
