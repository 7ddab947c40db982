/** Programs from a server on this machine, pinned, against fetching them and throwing them away. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../test/support/http-server.ts';
import { COMMAND } from '../../test/support/run.ts';
import { command, output, pipeline } from '../commands.ts';
import { LARGE, program, SMALL } from '../program.ts';
import type { Group, Row } from '../row.ts';
import { webServer } from '../web-server.ts';

export async function https(directory: string): Promise<Group> {
  output('curl', ['--version'], 'curl');
  const server = await webServer(directory);
  const row = (size: number): Row => {
    const bytes = program(size);
    const name = `program-${size}`;
    writeFileSync(join(directory, name), bytes);
    const url = `${server.url}/${name}`;
    const curl = ['curl', '-s', '--cacert', server.certificate, url];
    const env = { NODE_EXTRA_CA_CERTS: server.certificate };
    return {
      name: `https from this machine (nginx), ${size / 1e6} MB`,
      unit: 'ms',
      subject: command('run-foreign', [COMMAND, `${url}#sha256=${sha256(bytes)}`], { env }),
      against: [command('curl -o /dev/null', [...curl, '-o', '/dev/null'])],
      beside: [pipeline('curl into openssl sha256', `${curl.join(' ')} | openssl sha256`)],
      goal: 1.2,
    };
  };
  return { rows: [SMALL, LARGE, 5 * LARGE].map(row), close: server.close };
}
