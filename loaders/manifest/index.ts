/**
 * Manifests: a small JSON file that names a program and says how it is to be run. schema.json says what may stand in
 * one; it is what manifests are judged by.
 */
import { defineLoader, ForeignError, head } from 'run-foreign/loader';

/** Bytes. */
const MAX_SIZE = 64 * 1024;
/** Within the first bytes stands the field that only manifests have: first, or behind $schema. */
const BEGINNING = 1024;
const RECOGNISED =
  /^[ \t\n\r]*\{[ \t\n\r]*(?:"\$schema"[ \t\n\r]*:[ \t\n\r]*"[^"\\]*"[ \t\n\r]*,[ \t\n\r]*)?"run-foreign"[ \t\n\r]*:/;

export const manifest = defineLoader({
  name: 'manifest',
  apiVersion: 1,
  kind: 'wrapper',
  description:
    'JSON files that begin with { "run-foreign": 1 and name a program, its digest, its arguments and the like',
  magics: [],
  async probe(source) {
    const [first = 0] = await head(source, 1);
    if (!'{ \t\n\r'.includes(String.fromCharCode(first))) return null;
    const start = Buffer.from(await head(source, BEGINNING)).toString('latin1');
    return RECOGNISED.test(start) ? 'exact' : null;
  },
  async load(source) {
    // Its fields show in messages and in /proc; what they name can be sealed itself.
    if (source.confidential) {
      throw new ForeignError(
        'UNSUPPORTED',
        'is a manifest that was sealed, and what it says would not stay secret',
        {
          hint: 'seal the program, and name what opens it in the field identity',
          harmless: true,
        },
      );
    }
    if (source.size > MAX_SIZE) {
      throw new ForeignError('TOO_BIG', `is a manifest of more than ${MAX_SIZE} bytes`);
    }
    const { readManifest } = await import('./read.ts');
    const start = source.file?.offset ?? 0;
    return { kind: 'program', ...(await readManifest(await source.read(0, source.size), start)) };
  },
});
