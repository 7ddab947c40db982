/**
 * The ELF headers of an APE, which stand in its shell script as `printf '\177ELF…'`. Numbers and rules are those of
 * ape/specification.md and ape/loader.c of cosmopolitan. A header that is cut off or spelled otherwise is a FormatError.
 */
import { FormatError, type FormatLocation, Structure } from 'run-foreign/loader';

/** The statements stand whole in so many bytes from the beginning of the file. */
export const SCRIPT_SIZE = 8192;

/** sizeof(Elf64_Ehdr) */
const EHSIZE = 64;
const STATEMENT = "printf '";
const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1');
const BACKSLASH = 0x5c;
const QUOTE = 0x27;

/** A header whose bytes lie apart: each at the file offset where the script spells it. */
export class PrintedHeader extends Structure {
  readonly #places: readonly number[];

  constructor(bytes: Uint8Array, places: readonly number[]) {
    super(bytes, places[0] ?? 0);
    this.#places = places;
  }

  override error(message: string, at: number, field: string, value: FormatLocation['value']): FormatError {
    return new FormatError(message, { offset: this.#places[at] ?? this.offset, field, value });
  }
}

/** All that are there, whatever machine they are for, in the order of the script. `script` begins with the file. */
export function printedHeaders(script: Uint8Array): PrintedHeader[] {
  const text = Buffer.from(script.buffer, script.byteOffset, script.byteLength);
  const headers: PrintedHeader[] = [];
  for (let at = text.indexOf(STATEMENT); at >= 0; ) {
    const string = readString(text, at + STATEMENT.length);
    if (string.bytes.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC)) headers.push(headerOf(string));
    at = text.indexOf(STATEMENT, string.end);
  }
  return headers;
}

/** What stands between quotes. */
interface PrintedString {
  readonly bytes: Buffer;
  /** File offset of each byte's first character. */
  readonly places: readonly number[];
  /** File offset behind it, and whether a quote ends it. */
  readonly end: number;
  readonly closed: boolean;
  /** File offset of the first backslash that no octal digit follows. */
  readonly strange: number | undefined;
}

function readString(text: Buffer, start: number): PrintedString {
  const bytes: number[] = [];
  const places: number[] = [];
  let strange: number | undefined;
  let at = start;
  while (at < text.length && text[at] !== QUOTE) {
    const digits = text[at] === BACKSLASH ? octalDigits(text, at + 1) : '';
    if (text[at] === BACKSLASH && digits === '') strange ??= at;
    places.push(at);
    // Of three digits the shell and the loader keep eight bits, and files of apelink rely on it: they say \510 for \110.
    bytes.push(digits === '' ? (text[at] ?? 0) : Number.parseInt(digits, 8) & 0xff);
    at += 1 + digits.length;
  }
  return { bytes: Buffer.from(bytes), places, end: at, closed: at < text.length, strange };
}

function octalDigits(text: Buffer, at: number): string {
  return /^[0-7]{0,3}/.exec(text.toString('latin1', at, at + 3))?.[0] ?? '';
}

function headerOf({ bytes, places, closed, strange }: PrintedString): PrintedHeader {
  const header = new PrintedHeader(bytes, places);
  if (strange !== undefined) {
    const at = places.indexOf(strange);
    throw header.error('has an ELF header with an escape that is not octal', at, 'printf', `byte ${at}`);
  }
  if (!closed)
    throw header.error(
      `has an ELF header that does not end in the first ${SCRIPT_SIZE} bytes`,
      0,
      'printf',
      `${bytes.length} bytes`,
    );
  if (bytes.length < EHSIZE)
    throw header.error(
      `has an ELF header of less than ${EHSIZE} bytes`,
      0,
      'printf',
      `${bytes.length} bytes`,
    );
  return header;
}
