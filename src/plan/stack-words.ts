/**
 * What each word of a first stack is, read back from its bytes: argc, argv[n], an auxv entry. Only the
 * two layouts Linux has are known by name; the words of any other are shown as numbers and pointers.
 */
import { type Arch, WORD_SIZE } from '../image/image.ts';
import { AT, auxvName } from '../process/auxv.ts';
import { absolute, type Place, plus } from '../process/place.ts';
import type { StackImage } from '../process/stack-image.ts';

export interface StackEntry {
  readonly at: Place;
  /** `argc`, `argv[0]`, `AT_PHDR`, `end of argv`, `word 7`. */
  readonly name: string;
  /** `kernel`: copied from the auxv which the kernel gives the stub. */
  readonly value: Place | 'kernel';
  /** The string that the value points to, without its NUL. */
  readonly string?: Uint8Array;
}

/** The words from the stack pointer up to the strings; an auxv entry is one, although it has two words. */
export function stackEntries(stack: StackImage, arch: Arch): StackEntry[] {
  const reader = new Reader(stack, WORD_SIZE[arch]);
  const auxvFrom = Number(stack.auxv.start - stack.sp);
  const entries: StackEntry[] = [];
  const last = { argv: 0, envp: 0, name: '' };
  for (let offset = 0; offset < auxvFrom; offset += reader.size) {
    const value = reader.value(offset);
    const name = nameOf(reader, value, offset, last);
    entries.push({ at: reader.at(offset), name, value, ...reader.string(value) });
    last.name = name;
  }
  for (let offset = auxvFrom; offset < auxvFrom + stack.auxv.size; offset += 2 * reader.size) {
    const type = Number(reader.word(offset));
    const value = reader.value(offset + reader.size);
    const string = type === AT.PLATFORM || type === AT.EXECFN ? reader.string(value) : {};
    entries.push({ at: reader.at(offset), name: auxvName(type), value, ...string });
  }
  return entries;
}

function nameOf(
  reader: Reader,
  value: Place | 'kernel',
  offset: number,
  last: { argv: number; envp: number; name: string },
): string {
  if (value !== 'kernel' && value.base === 'stack') {
    if (reader.inside(value, reader.stack.arg)) return `argv[${last.argv++}]`;
    if (reader.inside(value, reader.stack.env)) return `envp[${last.envp++}]`;
    if (last.name === 'argc') return 'argv';
    if (last.name === 'argv') return 'envp';
  }
  if (offset === 0) return 'argc';
  if (value !== 'kernel' && value.base === 'absolute' && value.offset === 0n) {
    if (last.envp === 0 && !last.name.startsWith('end of')) return 'end of argv';
    return 'end of envp';
  }
  return `word ${offset / reader.size}`;
}

/** Words and pointers of a stack image. */
class Reader {
  readonly stack: StackImage;
  readonly size: 4 | 8;
  readonly #view: DataView;
  readonly #bases = new Map<number, Place['base']>();
  readonly #kernel: ReadonlySet<number>;

  constructor(stack: StackImage, size: 4 | 8) {
    this.stack = stack;
    this.size = size;
    this.#view = new DataView(stack.bytes.buffer, stack.bytes.byteOffset, stack.bytes.byteLength);
    this.#kernel = new Set(stack.kernelAuxv.map(({ offset }) => offset));
    for (const { offset, count, base } of stack.pointers) {
      for (let index = 0; index < count; index++) this.#bases.set(offset + index * size, base);
    }
  }

  at(offset: number): Place {
    return plus({ base: 'stack', offset: this.stack.sp }, BigInt(offset));
  }

  word(offset: number): bigint {
    return this.size === 8
      ? this.#view.getBigUint64(offset, true)
      : BigInt(this.#view.getUint32(offset, true));
  }

  value(offset: number): Place | 'kernel' {
    if (this.#kernel.has(offset)) return 'kernel';
    const base = this.#bases.get(offset);
    // A stack pointer is below its base; every other word is unsigned.
    return base === undefined
      ? absolute(this.word(offset))
      : { base, offset: BigInt.asIntN(this.size * 8, this.word(offset)) };
  }

  inside(place: Place, range: { readonly start: bigint; readonly end: bigint }): boolean {
    return place.offset >= range.start && place.offset < range.end;
  }

  /** The NUL-terminated string at a place above the words. */
  string(value: Place | 'kernel'): { string?: Uint8Array } {
    const wordsEnd = this.stack.auxv.start + BigInt(this.stack.auxv.size);
    if (value === 'kernel' || value.base !== 'stack' || value.offset < wordsEnd || value.offset >= 0n)
      return {};
    const from = Number(value.offset - this.stack.sp);
    const end = this.stack.bytes.indexOf(0, from);
    return { string: this.stack.bytes.subarray(from, end < 0 ? undefined : end) };
  }
}
