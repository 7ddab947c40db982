/**
 * Java archives with a main class, which `java -jar` runs. Other ZIP files are nobody's. A class file cannot be run as it
 * is: java finds classes by their names, in a class path.
 */
import { defineLoader, ForeignError, FormatError, head, type Source } from 'run-foreign/loader';
import { findInterpreter } from '../interpreted.ts';
import { mainAttribute } from './manifest.ts';
import { type Entry, findEnd, findEntry } from './zip.ts';

const ZIP = Uint8Array.of(0x50, 0x4b, 3, 4);
const CLASS = Uint8Array.of(0xca, 0xfe, 0xba, 0xbe);
/** The first class files; a Mach-O file for several machines begins alike, with their number in this place. */
const FIRST_MAJOR_VERSION = 45;

const MANIFEST = 'META-INF/MANIFEST.MF';
const MAX_MANIFEST = 2 ** 20;
/** What a probe looks at: local header and name, the end with a short comment, the beginning of the directory. */
const PROBED = { start: 64, end: 1024, directory: 32 * 1024 } as const;
const LOCAL_HEADER_SIZE = 30;

export const java = defineLoader({
  name: 'java',
  apiVersion: 1,
  kind: 'program',
  description: 'Java archives (JAR) that name a main class, which java -jar runs if it is installed',
  magics: [{ offset: 0, bytes: ZIP, name: 'ZIP, with a manifest' }],
  async probe(source) {
    const start = Buffer.from(await head(source, PROBED.start));
    if (isClass(start)) return 'likely';
    if (!beginsWith(start, ZIP)) return null;
    if (start.toString('latin1', LOCAL_HEADER_SIZE).startsWith('META-INF/')) return 'exact';
    return (await hasManifest(source)) ? 'exact' : null;
  },
  async load(source, context) {
    if (isClass(await head(source, PROBED.start))) {
      throw new ForeignError('UNSUPPORTED', 'is a Java class file, which java cannot run by its path', {
        hint: 'java -cp DIRECTORY CLASS runs it by its name, or put it into a JAR with a Main-Class',
      });
    }
    const end = await findEnd(source);
    if (end === undefined)
      throw new FormatError('has no end of central directory', {
        offset: source.size,
        field: 'signature',
        value: 'none',
      });
    const manifest = await findEntry(source, end, MANIFEST);
    if (manifest === undefined)
      throw new ForeignError('UNSUPPORTED', `is a ZIP archive without ${MANIFEST}, and no program`);
    await requireMainClass(source, manifest);
    const what = 'is a Java program';
    const origin = 'it is part of every Java runtime, on Debian of the package default-jre-headless';
    const path = findInterpreter({ commands: ['java'], what, origin }, context);
    return { kind: 'interpreter', path, args: [Buffer.from('-jar')] };
  },
});

function beginsWith(start: Uint8Array, magic: Uint8Array): boolean {
  return Buffer.compare(start.subarray(0, magic.length), magic) === 0;
}

function isClass(start: Uint8Array): boolean {
  if (start.length < 8 || !beginsWith(start, CLASS)) return false;
  return Buffer.from(start).readUInt16BE(6) >= FIRST_MAJOR_VERSION;
}

/** A damaged archive is no more than another ZIP file to a probe. */
async function hasManifest(source: Source): Promise<boolean> {
  try {
    const end = await findEnd(source, PROBED.end);
    return end !== undefined && (await findEntry(source, end, MANIFEST, PROBED.directory)) !== undefined;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

async function requireMainClass(source: Source, manifest: Entry): Promise<void> {
  const { readEntry } = await import('./entry.ts');
  if (mainAttribute(await readEntry(source, manifest, MAX_MANIFEST), 'Main-Class') !== undefined) return;
  throw new ForeignError('UNSUPPORTED', 'is a Java library: its manifest names no Main-Class', {
    hint: 'java -cp FILE CLASS runs one of its classes',
  });
}
