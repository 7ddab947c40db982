/** Entries of binfmt_misc, made from what a loader says its files begin with. */
import type { LoaderPlugin, Magic } from '../../loader/contract.ts';
import { takesOverNative } from './native.ts';
import { BINPRM_BUF_SIZE, fixedBits, patternOf } from './pattern.ts';
import { type BinfmtEntry, MAX_REGISTER_LENGTH, registerLine } from './register-line.ts';

/** What our names begin with, in the kernel and of files. */
export const NAME_PREFIX = 'run-foreign-';
/** The kernel adds the program's path and leaves the caller's argv[0] where it is. Why no others: docs/binfmt.md. */
export const FLAGS = 'P';

/** Two bytes tell too little: `MZ` is what every program for Windows and DOS begins with. */
const LEAST_BITS = 24;
const MOST_LETTERS = 60;

export interface OwnEntry extends BinfmtEntry {
  /** The loader's name. */
  readonly format: string;
  /** What the loader calls the magic. */
  readonly label: string;
}

/** A magic of which there can be no entry. */
export interface RefusedMagic {
  readonly format: string;
  readonly label: string;
  /** As half a sentence. */
  readonly why: string;
}

export interface FormatEntries {
  readonly entries: readonly OwnEntry[];
  readonly refused: readonly RefusedMagic[];
}

/** One for each magic that can have one. The names are stable: they come from what the loader calls itself and its magics. */
export function entriesOf({ name: format, magics }: LoaderPlugin, interpreter: string): FormatEntries {
  const entries: OwnEntry[] = [];
  const refused: RefusedMagic[] = [];
  const names = new Set<string>();
  for (const magic of magics) {
    const name = unlike(names, NAME_PREFIX + nameOf(format, magic.name));
    names.add(name);
    const made = entryOf(magic, { format, label: magic.name, name, interpreter, flags: FLAGS });
    if (typeof made === 'string') refused.push({ format, label: magic.name, why: made });
    else entries.push(made);
  }
  return { entries, refused };
}

/** Or why there can be none. */
function entryOf(magic: Magic, rest: Omit<OwnEntry, 'pattern'>): OwnEntry | string {
  const pattern = patternOf(magic);
  if (pattern === undefined) return 'it looks at nothing';
  const entry = { ...rest, pattern };
  return refusal(entry) ?? entry;
}

/** Why there can be no such entry, whoever wants it. */
function refusal(entry: BinfmtEntry): string | undefined {
  const { pattern } = entry;
  const native = takesOverNative(pattern);
  if (native !== undefined) return `it can match ${native}, which Linux runs itself`;
  if (fixedBits(pattern) < LEAST_BITS)
    return `it looks at ${fixedBits(pattern)} bits of a file, and files of others may well have the same; ${LEAST_BITS} are needed`;
  if (pattern.offset + pattern.bytes.length > BINPRM_BUF_SIZE)
    return `the kernel looks at the first ${BINPRM_BUF_SIZE} bytes of a file only`;
  if (Buffer.byteLength(registerLine(entry)) > MAX_REGISTER_LENGTH)
    return `the kernel takes ${MAX_REGISTER_LENGTH} bytes for an entry, and this one is longer`;
  return undefined;
}

/** `aout` and `QMAGIC, i386` are `aout-qmagic-i386`; a magic that is called as its format adds nothing. */
function nameOf(format: string, label: Magic['name']): string {
  const words = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const rest =
    words === format ? '' : words.startsWith(`${format}-`) ? words.slice(format.length + 1) : words;
  return [format, rest.slice(0, MOST_LETTERS)].filter((part) => part !== '').join('-');
}

function unlike(names: ReadonlySet<string>, name: string): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (!names.has(candidate)) return candidate;
  }
}
