/**
 * What a vDSO exports: its dynamic symbol table (System V gABI, "Dynamic Section", "Symbol Table"). The image is as it is in
 * memory, linked at 0, and is not trusted: it may come from a file.
 */

export interface VdsoFunction {
  readonly name: string;
  /** From the start of the image. */
  readonly offset: number;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT = { NULL: 0n, HASH: 4n, STRTAB: 5n, SYMTAB: 6n } as const;
const STT_FUNC = 2;
const STT_NOTYPE = 0;
const SYMBOL_SIZE = 24;
/** More than any vDSO has. */
const MAX_SYMBOLS = 1024;
const MAX_HEADERS = 64;
const MAX_NAME = 256;

/** By ascending offset, without those that are elsewhere; empty where the image is no vDSO that can be read. */
export function vdsoFunctions(image: Uint8Array): VdsoFunction[] {
  const view = viewOf(image);
  const bias = linkBias(image);
  const dynamic = headersOf(image).find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined || bias === undefined) return [];
  const entries = dynamicEntries(view, dynamic.offset, dynamic.size);
  const at = (tag: bigint) => Number(BigInt.asUintN(64, (entries.get(tag) ?? -1n) - bias));
  const [symbols, strings, hash] = [at(DT.SYMTAB), at(DT.STRTAB), at(DT.HASH)];
  const count = Math.min(
    MAX_SYMBOLS,
    symbolCount(view, symbols, strings, entries.has(DT.HASH) ? hash : undefined),
  );
  const functions: VdsoFunction[] = [];
  for (let index = 1; index < count; index++) {
    const entry = symbols + index * SYMBOL_SIZE;
    if (!fits(view, entry, SYMBOL_SIZE)) break;
    const type = view.getUint8(entry + 4) & 0xf;
    const section = view.getUint16(entry + 6, true);
    const offset = Number(BigInt.asUintN(64, view.getBigUint64(entry + 8, true) - bias));
    if ((type !== STT_FUNC && type !== STT_NOTYPE) || section === 0 || !fits(view, offset, 1)) continue;
    functions.push({ name: stringAt(image, strings + view.getUint32(entry, true)), offset });
  }
  return functions.sort((one, other) => one.offset - other.offset);
}

interface Header {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

function headersOf(image: Uint8Array): Header[] {
  const view = viewOf(image);
  // ELFMAG, ELFCLASS64, ELFDATA2LSB.
  if (!fits(view, 0, 64) || view.getUint32(0, false) !== 0x7f454c46 || view.getUint16(4, false) !== 0x0201)
    return [];
  const [phoff, phentsize, phnum] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  const headers: Header[] = [];
  for (let index = 0; index < Math.min(phnum, MAX_HEADERS); index++) {
    const at = phoff + index * phentsize;
    if (!fits(view, at, 56)) break;
    const [offset, size] = [
      Number(view.getBigUint64(at + 8, true)),
      Number(view.getBigUint64(at + 32, true)),
    ];
    if (!fits(view, offset, size)) continue;
    headers.push({ type: view.getUint32(at, true), offset, address: view.getBigUint64(at + 16, true), size });
  }
  return headers;
}

/** Address less offset. */
function linkBias(image: Uint8Array): bigint | undefined {
  const load = headersOf(image).find(({ type }) => type === PT_LOAD);
  return load && load.address - BigInt(load.offset);
}

function dynamicEntries(view: DataView, offset: number, size: number): Map<bigint, bigint> {
  const entries = new Map<bigint, bigint>();
  for (let at = offset; at + 16 <= offset + size && fits(view, at, 16); at += 16) {
    const tag = view.getBigUint64(at, true);
    if (tag === DT.NULL) break;
    entries.set(tag, view.getBigUint64(at + 8, true));
  }
  return entries;
}

/** nchain of DT_HASH; without, the strings follow the symbols, as linkers lay them out. */
function symbolCount(view: DataView, symbols: number, strings: number, hash: number | undefined): number {
  if (hash !== undefined && fits(view, hash, 8)) return view.getUint32(hash + 4, true);
  return strings > symbols ? Math.floor((strings - symbols) / SYMBOL_SIZE) : 0;
}

function stringAt(image: Uint8Array, at: number): string {
  if (at < 0 || at >= image.length) return '';
  const end = image.subarray(0, at + MAX_NAME).indexOf(0, at);
  return Buffer.from(image.subarray(at, end < 0 ? at : end)).toString('latin1');
}

function fits(view: DataView, offset: number, size: number): boolean {
  return Number.isSafeInteger(offset) && offset >= 0 && size >= 0 && offset + size <= view.byteLength;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
