/**
 * An entry as one line: what /proc/sys/fs/binfmt_misc/register takes, and binfmt.d(5) has in its files.
 *
 *   :name:M:offset:magic:mask:interpreter:flags
 *
 * Any character may stand in the place of the colons. Of magic and mask the kernel reads `\xHH` as a byte (create_entry and
 * scanarg in fs/binfmt_misc.c; Documentation/admin-guide/binfmt-misc.rst).
 */
import { type Pattern, patternOf } from './pattern.ts';

/** Of the whole line, in fs/binfmt_misc.c. */
export const MAX_REGISTER_LENGTH = 1920;

/** None that the kernel may take for a flag or a digit, that begins a comment in binfmt.d(5), or that `\xHH` needs. */
const DELIMITERS = ':,|!%@^~=+';

/** What binfmt_misc knows of one, whoever made it. */
export interface BinfmtEntry {
  /** Its file below /proc/sys/fs/binfmt_misc. */
  readonly name: string;
  readonly pattern: Pattern;
  /** An absolute path. */
  readonly interpreter: string;
  readonly flags: string;
}

/** Somebody's entry, as a line or the kernel describes it. */
export interface FoundEntry extends Omit<BinfmtEntry, 'pattern'> {
  /** What files begin with; undefined where their name's end decides. */
  readonly pattern: Pattern | undefined;
  readonly extension?: string;
}

/** The line, without its end. The interpreter's name must have passed `isPlainPath`. */
export function registerLine({ name, pattern, interpreter, flags }: BinfmtEntry): string {
  const { offset, bytes, mask } = pattern;
  const fields = [
    name,
    'M',
    offset === 0 ? '' : String(offset),
    escaped(bytes),
    maskText(mask),
    interpreter,
    flags,
  ];
  const delimiter = [...DELIMITERS].find((each) => !fields.some((field) => field.includes(each))) ?? ':';
  return delimiter + fields.join(delimiter);
}

/** Whether an interpreter's name can stand in a line: the kernel has no escapes for it. */
export const isPlainPath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  !/[\x00-\x1f\x7f]/.test(path) && [...DELIMITERS].some((each) => !path.includes(each));

/** Without a mask every bit counts. */
export const maskText = (mask: Uint8Array): string =>
  mask.every((byte) => byte === 0xff) ? '' : escaped(mask);

/** Bytes as both readers take them: letters and digits as they are, so that people can read those, all others as `\xHH`. */
export function escaped(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** The bytes of an escaped text, a byte string. */
export function unescaped(text: string): Uint8Array {
  const raw = text.replace(/\\x([0-9a-f]{1,2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(raw, 'latin1');
}

/** Takes a line apart, a byte string; undefined where the kernel would not take it. */
export function parseRegisterLine(line: string): FoundEntry | undefined {
  const [delimiter = ''] = line;
  const fields = line.slice(1).split(delimiter);
  const [name = '', kind, offset = '', magic = '', mask = '', interpreter = '', flags = ''] = fields;
  if (delimiter === '' || fields.length < 6 || name === '' || interpreter === '') return undefined;
  const known = { name: fromBytes(name), interpreter: fromBytes(interpreter), flags: flags.trim() };
  if (kind === 'E') return { ...known, pattern: undefined, extension: fromBytes(magic) };
  if (kind !== 'M' || !/^\d{0,3}$/.test(offset)) return undefined;
  const pattern = patternOf({
    offset: Number(offset),
    bytes: unescaped(magic),
    mask: mask === '' ? undefined : unescaped(mask),
  });
  return pattern && { ...known, pattern };
}

export const fromBytes = (text: string): string => Buffer.from(text, 'latin1').toString();
