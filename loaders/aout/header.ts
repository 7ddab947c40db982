/**
 * struct exec and the address rules of <linux/a.out.h>, as Linux on i386 applied them. The kernel looked
 * at the magic only; the machine type byte is asked for as well, because two bytes are a weak magic.
 */
import { type Source, Structure } from 'run-foreign/loader';

export const HEADER_SIZE = 32;

export const MAGICS = { OMAGIC: 0o407, NMAGIC: 0o410, ZMAGIC: 0o413, QMAGIC: 0o314 } as const;
export type AoutMagic = keyof typeof MAGICS;

/** N_MACHTYPE: what the linkers of the time wrote for a 386, and what the first ones left zero. */
const M_386 = 100;
const M_OLD = 0;

export const PAGE_SIZE = 4096;
/** _N_HDROFF for ZMAGIC: the text begins at the second kilobyte. */
const ZMAGIC_TEXT_OFFSET = 1024;
/** A 32-bit program's addresses end here, and so must every sum of sizes. */
const ADDRESS_LIMIT = 0x1_0000_0000;

export interface AoutHeader {
  readonly magic: AoutMagic;
  readonly a_text: number;
  readonly a_data: number;
  readonly a_bss: number;
  readonly a_syms: number;
  readonly a_entry: number;
  /** N_TXTOFF: file offset of the text. */
  readonly textOffset: number;
  /** N_TXTADDR, N_DATADDR and N_BSSADDR. */
  readonly textAddress: bigint;
  readonly dataAddress: bigint;
  readonly bssAddress: bigint;
}

function magicOf(bytes: Uint8Array): AoutMagic | undefined {
  const value = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  return (Object.keys(MAGICS) as AoutMagic[]).find((name) => MAGICS[name] === value);
}

/** How sure the first 32 bytes make us. */
export function recognize(bytes: Uint8Array): null | 'likely' | 'exact' {
  if (magicOf(bytes) === undefined) return null;
  if (bytes[2] === M_386) return 'exact';
  return bytes[2] === M_OLD ? 'likely' : null;
}

/** Throws FormatError where load_aout_binary answered ENOEXEC, or would have failed later. */
export async function readHeader(source: Source): Promise<AoutHeader> {
  const exec = await Structure.read(source, 0, HEADER_SIZE, 'a.out header');
  const magic = magicOf(exec.bytes);
  if (magic === undefined) throw exec.error('is no Linux a.out program', 0, 'a_info', exec.u32(0));
  const [a_text, a_data, a_bss, a_syms, a_entry] = [
    exec.u32(4),
    exec.u32(8),
    exec.u32(12),
    exec.u32(16),
    exec.u32(20),
  ];
  const [a_trsize, a_drsize] = [exec.u32(24), exec.u32(28)];
  if (a_trsize !== 0)
    throw exec.error('is an object file: its text has relocations', 24, 'a_trsize', a_trsize);
  if (a_drsize !== 0)
    throw exec.error('is an object file: its data has relocations', 28, 'a_drsize', a_drsize);
  if (a_text === 0) throw exec.error('has no text', 4, 'a_text', a_text);

  const textOffset = magic === 'ZMAGIC' ? ZMAGIC_TEXT_OFFSET : magic === 'QMAGIC' ? 0 : HEADER_SIZE;
  const needed = textOffset + a_text + a_data + a_syms;
  if (needed > source.size) {
    throw exec.error(
      `is truncated: its header speaks of ${needed} bytes, the file has ${source.size}`,
      4,
      'a_text + a_data + a_syms',
      a_text + a_data + a_syms,
    );
  }
  const textAddress = magic === 'QMAGIC' ? PAGE_SIZE : 0;
  const textEnd = textAddress + a_text;
  const dataAddress = magic === 'OMAGIC' ? textEnd : Math.ceil(textEnd / PAGE_SIZE) * PAGE_SIZE;
  const bssAddress = dataAddress + a_data;
  if (bssAddress + a_bss > ADDRESS_LIMIT)
    throw exec.error('is larger than an address space', 12, 'a_bss', a_bss);
  return {
    magic,
    a_text,
    a_data,
    a_bss,
    a_syms,
    a_entry,
    textOffset,
    textAddress: BigInt(textAddress),
    dataAddress: BigInt(dataAddress),
    bssAddress: BigInt(bssAddress),
  };
}
