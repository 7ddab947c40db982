/**
 * A first stack that the kernel has made for the stub, and that becomes the program's: arguments and environment are those
 * that the stub was executed with. What a stub of the program's own ELF class finds there differs from what the program is
 * to find in a few auxv entries and in the file's name only (create_elf_tables in fs/binfmt_elf.c).
 */
import type { ProgramImage } from '../image/image.ts';
import { AT } from './auxv.ts';
import type { Layout } from './layout.ts';
import { absolute, type Place } from './place.ts';

export interface AdoptedStack {
  readonly layout: 'sysv' | 'aout';
  /** AT_EXECFN, without its NUL; what the stub was executed by unless given. */
  readonly execfn?: Uint8Array | 'argv[0]';
  /** Entries with another value than the kernel gave them. */
  readonly auxv: readonly { readonly type: number; readonly value: Place }[];
}

/** Undefined where the program's loader has a first stack of its own, which only it can make. */
export function adoptedStack(
  image: ProgramImage,
  layout: Layout,
  execfn: AdoptedStack['execfn'],
): AdoptedStack | undefined {
  const { layout: wish } = image.stack;
  if (typeof wish === 'function') return undefined;
  const { phdr } = image;
  return {
    layout: wish,
    ...(execfn && { execfn }),
    auxv: [
      { type: AT.PHDR, value: phdr === undefined ? absolute(0n) : layout.image(phdr.address) },
      { type: AT.PHENT, value: absolute(BigInt(phdr?.entrySize ?? 0)) },
      { type: AT.PHNUM, value: absolute(BigInt(phdr?.count ?? 0)) },
      {
        type: AT.BASE,
        value: image.interpreter === undefined ? absolute(0n) : layout.interp(0n),
      },
      { type: AT.ENTRY, value: layout.image(image.entry) },
    ],
  };
}
