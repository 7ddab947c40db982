/**
 * What a WebAssembly module imports and exports (Core Specification, chapter 5, "Binary Format"). Nothing else of it is
 * looked at: V8 checks all of it before it runs.
 */
import { head, type Source, Structure } from 'run-foreign/loader';
import { ByteReader } from './bytes.ts';

export const MAGIC = Uint8Array.of(0, 0x61, 0x73, 0x6d);
export const HEADER_SIZE = 8;
const SECTION = { import: 2, export: 7 } as const;
const KINDS = ['function', 'table', 'memory', 'global', 'tag'] as const;
/** Sections before the last one of interest; a module has 13, and custom sections between. */
const MAX_SECTIONS = 1000;
/** One byte and a u32. */
const MAX_SECTION_HEADER = 6;
/** Bytes read at a time for headers: of many small sections. */
const WINDOW = 4096;
/** Bytes of an import or export section. */
const MAX_SECTION_SIZE = 2 ** 24;

export interface Import {
  readonly module: string;
  readonly name: string;
}

export interface ModuleFaces {
  readonly imports: readonly Import[];
  /** By name. */
  readonly exports: ReadonlyMap<string, (typeof KINDS)[number]>;
}

/** Throws FormatError. */
export async function readFaces(source: Source): Promise<ModuleFaces> {
  let imports: Import[] = [];
  let exports: ModuleFaces['exports'] = new Map();
  let at = HEADER_SIZE;
  let window = new Uint8Array();
  let windowAt = at;
  for (let count = 0; at < source.size; count++) {
    if (at + MAX_SECTION_HEADER > windowAt + window.length && windowAt + window.length < source.size) {
      window = Uint8Array.from(await source.read(at, Math.min(WINDOW, source.size - at)));
      windowAt = at;
    }
    const header = new ByteReader(window.subarray(at - windowAt), at);
    const id = header.u8('section id');
    const size = header.u32('section size');
    const start = at + header.position;
    if (size > source.size - start) throw header.error('ends in a section', 'section size', size);
    if (count === MAX_SECTIONS) throw header.error('has too many sections', 'section id', id);
    if (id === SECTION.import) imports = readImports(await readSection(source, start, size, header));
    if (id === SECTION.export) exports = readExports(await readSection(source, start, size, header));
    at = start + size;
  }
  return { imports, exports };
}

async function readSection(
  source: Source,
  start: number,
  size: number,
  header: ByteReader,
): Promise<ByteReader> {
  if (size > MAX_SECTION_SIZE) throw header.error('has too long a section', 'section size', size);
  return new ByteReader(await source.read(start, size), start);
}

function readImports(section: ByteReader): Import[] {
  const count = section.u32('number of imports');
  const imports: Import[] = [];
  for (let index = 0; index < count; index++) {
    imports.push({ module: section.name('module'), name: section.name('name') });
    skipType(section);
  }
  return imports;
}

/** `importdesc`: what is behind the kind differs. */
function skipType(section: ByteReader): void {
  const kind = KINDS[section.u8('kind of import')];
  if (kind === undefined)
    throw section.error('has an import of an unknown kind', 'kind of import', 'unknown');
  if (kind === 'function') section.u32('type');
  if (kind === 'tag') {
    section.u8('attribute');
    section.u32('type');
  }
  if (kind === 'table') {
    section.u8('element type');
    skipLimits(section);
  }
  if (kind === 'memory') skipLimits(section);
  if (kind === 'global') {
    section.u8('value type');
    section.u8('mutability');
  }
}

/** Bit 0 says that there is a maximum. */
function skipLimits(section: ByteReader): void {
  const flags = section.u8('limits');
  section.u32('minimum');
  if ((flags & 1) !== 0) section.u32('maximum');
}

function readExports(section: ByteReader): ModuleFaces['exports'] {
  const count = section.u32('number of exports');
  const exports = new Map<string, (typeof KINDS)[number]>();
  for (let index = 0; index < count; index++) {
    const name = section.name('name');
    const kind = KINDS[section.u8('kind of export')];
    if (kind === undefined)
      throw section.error('has an export of an unknown kind', 'kind of export', 'unknown');
    section.u32('index');
    exports.set(name, kind);
  }
  return exports;
}

/** The header's two fields behind the magic: a version, and 0 for modules or 1 for components. */
export async function readVersion(source: Source): Promise<{ version: number; layer: number }> {
  const header = new Structure(await head(source, HEADER_SIZE), 0);
  if (header.bytes.length < HEADER_SIZE) await Structure.read(source, 0, HEADER_SIZE, 'WebAssembly header');
  const [version, layer] = [header.u16(4), header.u16(6)];
  if (layer === 0 && version !== 1)
    throw header.error('is WebAssembly of an unknown version', 4, 'version', version);
  return { version, layer };
}
