/** Linux i386 a.out files from a description: `struct exec` exactly as asked for, and bytes behind it. */

export const AOUT_MAGIC = { OMAGIC: 0o407, NMAGIC: 0o410, ZMAGIC: 0o413, QMAGIC: 0o314 } as const;
export type AoutMagicName = keyof typeof AOUT_MAGIC;

export const M_386 = 100;

export interface AoutDescription {
  readonly magic: AoutMagicName;
  readonly machine?: number;
  readonly a_text: number;
  readonly a_data?: number;
  readonly a_bss?: number;
  readonly a_syms?: number;
  readonly a_entry?: number;
  readonly a_trsize?: number;
  readonly a_drsize?: number;
  /** Bytes of the file; as many as the header speaks of if not given. */
  readonly size?: number;
}

/** N_TXTOFF of <linux/a.out.h>. */
export const TEXT_OFFSET: Record<AoutMagicName, number> = { OMAGIC: 32, NMAGIC: 32, ZMAGIC: 1024, QMAGIC: 0 };

/** Text is filled with 0x90, data with 0xda, symbols with 0x55. */
export function writeAout(description: AoutDescription): Buffer {
  const { magic, machine = M_386, a_text, a_data = 0, a_bss = 0, a_syms = 0 } = description;
  const at = TEXT_OFFSET[magic];
  const file = Buffer.alloc(description.size ?? at + a_text + a_data + a_syms);
  file.fill(0x90, at, at + a_text);
  file.fill(0xda, at + a_text, at + a_text + a_data);
  file.fill(0x55, at + a_text + a_data);
  const header = Buffer.alloc(32);
  header.writeUInt32LE(AOUT_MAGIC[magic] | (machine << 16), 0);
  const { a_entry = 0, a_trsize = 0, a_drsize = 0 } = description;
  [a_text, a_data, a_bss, a_syms, a_entry, a_trsize, a_drsize].forEach((value, index) => {
    header.writeUInt32LE(value, 4 + index * 4);
  });
  header.copy(file, 0, 0, Math.min(header.length, file.length));
  return file;
}
