/**
 * The symbol table of an a.out program: struct nlist, and the strings behind them (a.out(5), <linux/a.out.h>). Only
 * debuggers want it, so what does not fit together in it is left out and stops nothing. Names are as the linker had them:
 * of C functions with a `_` before.
 */
import { type ProgramSymbol, type Source, Structure } from 'run-foreign/loader';
import { readHeader } from './header.ts';

/** struct nlist. */
const NLIST = { size: 12, n_strx: 0, n_type: 4, n_value: 8 } as const;
const N_EXT = 0x01;
const N_TYPE = 0x1e;
const N_STAB = 0xe0;
const KINDS: Record<number, ProgramSymbol['kind']> = { 2: 'other', 4: 'code', 6: 'data', 8: 'data' };

const MAX_SYMBOLS = 2 ** 18;
const MAX_STRINGS = 2 ** 24;
const MAX_NAME = 4096;

export async function symbols(source: Source): Promise<ProgramSymbol[]> {
  const { textOffset, a_text, a_data, a_syms } = await readHeader(source);
  const at = textOffset + a_text + a_data;
  const count = Math.min(Math.floor(a_syms / NLIST.size), MAX_SYMBOLS);
  const table = new Structure(await source.read(at, count * NLIST.size), at);
  const strings = await source.read(at + a_syms, Math.min(source.size - at - a_syms, MAX_STRINGS));
  const found: ProgramSymbol[] = [];
  for (let from = 0; from < table.bytes.length; from += NLIST.size) {
    const type = table.bytes[from + NLIST.n_type] ?? 0;
    const kind = (type & N_STAB) === 0 ? KINDS[type & N_TYPE] : undefined;
    const name = stringAt(strings, table.u32(from + NLIST.n_strx));
    if (kind === undefined || name.length === 0) continue;
    const address = BigInt(table.u32(from + NLIST.n_value));
    found.push({ name, address, kind, global: (type & N_EXT) !== 0 });
  }
  return found;
}

/** Empty where there is none. */
function stringAt(strings: Uint8Array, from: number): Uint8Array {
  const end = strings.subarray(from, from + MAX_NAME).indexOf(0);
  return end < 0 ? strings.subarray(0, 0) : strings.subarray(from, from + end);
}
