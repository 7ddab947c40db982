/**
 * age v1 (C2SP age): programs sealed for keys or with a passphrase. The header gives the file key (unlock.ts); the payload
 * is decrypted where it is read (payload.ts). No byte is handed on before its chunk was found authentic.
 */
import { defineLoader, head } from 'run-foreign/loader';
import { BEGIN_ARMOR, MAGIC } from './magic.ts';

export const age = defineLoader({
  name: 'age',
  apiVersion: 1,
  kind: 'wrapper',
  description: 'programs in any format, sealed with age for a key or with a passphrase',
  magics: [
    { offset: 0, bytes: MAGIC, name: 'age' },
    { offset: 0, bytes: BEGIN_ARMOR, name: 'age, ASCII armor' },
  ],
  async probe(source) {
    const start = Buffer.from(await head(source, BEGIN_ARMOR.length));
    const found = [MAGIC, BEGIN_ARMOR].some((magic) => start.subarray(0, magic.length).equals(magic));
    return found ? 'exact' : null;
  },
  async load(source, context) {
    const { openProgram } = await import('./open.ts');
    return { kind: 'unwrap', source: await openProgram(source, context) };
  },
});
