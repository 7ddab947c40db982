/** A program sealed with age: how long until it runs, and how much memory that takes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND } from '../../test/support/run.ts';
import { command, output, pipeline } from '../commands.ts';
import { memoryOf } from '../memory.ts';
import { LARGE, program, SMALL } from '../program.ts';
import type { Contender, Group, Row } from '../row.ts';

/** MB that may come on top of the program. */
const ALLOWANCE = 64;

export function sealed(directory: string): Group {
  const key = join(directory, 'key');
  output('age-keygen', ['-o', key], 'age');
  const recipient = output('age-keygen', ['-y', key], 'age').trim();
  const file = (size: number) => {
    const plain = join(directory, `plain-${size}`);
    writeFileSync(plain, program(size));
    output('age', ['-r', recipient, '-o', `${plain}.age`, plain], 'age');
    output('chmod', ['+x', `${plain}.age`], 'coreutils');
    return `${plain}.age`;
  };
  const large = file(LARGE);
  const run = (sealedFile: string) => [COMMAND, '-i', key, sealedFile];
  const time: Row = {
    name: 'sealed (age, X25519), 100 MB',
    unit: 'ms',
    subject: command('run-foreign', run(large)),
    against: [pipeline('age -d into sha256sum', `age -d -i ${key} ${large} | sha256sum`), cipherRate(LARGE)],
    beside: [
      pipeline('age -d into openssl sha256', `age -d -i ${key} ${large} | openssl sha256`),
      command('run-foreign, sealed 10 kB', run(file(SMALL))),
      command('run-foreign --not-confidential', [COMMAND, '--not-confidential', '-i', key, large]),
    ],
    goal: 1.2,
  };
  const memory: Row = {
    name: 'memory of that, at its peak',
    unit: 'MB',
    subject: memoryOf('run-foreign', run(large)),
    against: [{ name: `the program and ${ALLOWANCE} MB`, measure: () => LARGE / 1e6 + ALLOWANCE }],
    beside: [memoryOf('run-foreign, sealed 10 kB', run(file(SMALL)))],
    goal: 1,
  };
  return { rows: [time, memory] };
}

/** How long the cipher alone takes for so many bytes, as OpenSSL measures it, on one core. */
function cipherRate(size: number): Contender {
  return {
    name: "openssl speed's chacha20-poly1305",
    measure() {
      const args = ['speed', '-seconds', '1', '-bytes', '65536', '-evp', 'chacha20-poly1305'];
      const rate = /^ChaCha20-Poly1305\s+([\d.]+)k/im.exec(output('openssl', args, 'openssl'))?.[1];
      if (rate === undefined) throw new Error('openssl speed says something else');
      return (size / (Number(rate) * 1000)) * 1000;
    },
  };
}
