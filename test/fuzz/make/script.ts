/** #! lines: of ours and of others, inside each other, with odd bytes, and at the kernel's limit of 256. */
import type { Random } from '../../support/random.ts';

const COMMANDS = [
  'run-foreign',
  '/usr/bin/run-foreign',
  '/usr/bin/env run-foreign',
  '/usr/bin/env -S run-foreign --format elf',
  '/usr/bin/env -S A=b -u X "run-foreign" -x',
  '/usr/bin/env -S',
  '/handmade/ld.so x',
  '/handmade/fixed',
  '/handmade/script a b',
  '/no/such/file',
  '',
  ' ',
  '\t/handmade/ld.so\t',
  '\0',
  '/handmade/ld.so\0x',
  '\xff\xfe\x1b[2J',
];
/** Of a line with its #!, but without its newline. */
const LENGTHS = [253, 254, 255, 256, 257, 300, 5000];

export function line(random: Random): Buffer {
  let text = `#!${random.chance(1, 4) ? ' ' : ''}${random.pick(COMMANDS)}`;
  if (random.chance(1, 4)) text = text.padEnd(random.pick(LENGTHS), random.pick([' ', 'x', '\t', ' x']));
  const bytes = Buffer.from(`${text}${random.pick(['\n', '\n', '\n', '\r\n', '\0\n', ''])}`, 'latin1');
  if (random.chance(1, 8)) bytes[2 + random.below(bytes.length - 2)] = random.below(256);
  return bytes;
}

/** Lines before a program: mostly one, sometimes more than may lie inside each other. */
export function wrap(program: Uint8Array, random: Random): Buffer {
  if (random.chance(3, 4)) return Buffer.concat([line(random), program]);
  const ours = Buffer.from('#!run-foreign\n');
  const depth = random.pick([1, 2, 7, 8, 9, 200]);
  return Buffer.concat([...Array.from({ length: depth }, () => ours), program]);
}
