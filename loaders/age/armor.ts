/** ASCII armor (C2SP age, after RFC 7468): lines of base64 between two marks, read strictly, because it is malleable. */
import { ForeignError, FormatError, memorySource, type Source } from 'run-foreign/loader';
import { BEGIN_ARMOR, END_ARMOR } from './magic.ts';

const COLUMNS = 64;
const FULL_LINE = /^[A-Za-z0-9+/]{64}$/;

/** What is inside, whole. Throws FormatError, and TOO_BIG before it takes much more memory than `maxSize`. */
export async function withoutArmor(source: Source, maxSize: number): Promise<Source> {
  if (source.size > 2 * maxSize) {
    throw new ForeignError('TOO_BIG', `holds more than ${maxSize} bytes`, {
      hint: 'allow more with --max-size',
    });
  }
  const text = Buffer.from(await source.read(0, source.size)).toString('latin1');
  const { confidential, name } = source;
  const inner = memorySource(decode(text), name, confidential);
  return {
    ...inner,
    ...(source.checkAll && { checkAll: () => source.checkAll?.() ?? Promise.resolve() }),
    ...(confidential && {
      wipe() {
        inner.wipe?.();
        source.wipe?.();
      },
    }),
  };
}

function decode(text: string): Buffer {
  const from = /^[ \t\r\n]*/.exec(text)?.[0].length ?? 0;
  const lines = text.slice(from).trimEnd().split('\n');
  const ending = lines[0]?.endsWith('\r') === true ? '\r' : '';
  const bytes = Buffer.alloc(Math.ceil(text.length * 0.75));
  let size = 0;
  let at = from;
  for (const [index, raw] of lines.entries()) {
    const last = index === lines.length - 1;
    const line = last || ending === '' ? raw : raw.slice(0, -1);
    if (!last && !raw.endsWith(ending)) throw armorError(at, 'has lines that end in different ways');
    const mark = index === 0 ? `${BEGIN_ARMOR}` : last ? END_ARMOR : undefined;
    if (mark === undefined) {
      const full = FULL_LINE.test(line);
      if (!full && (index !== lines.length - 2 || !isLastLine(line)))
        throw armorError(at, 'is not strict base64');
      size += bytes.write(line, size, 'base64');
    } else if (line !== mark) throw armorError(at, `has no line ${mark}`);
    at += raw.length + 1;
  }
  if (lines.length < 2) throw armorError(at, `has no line ${END_ARMOR}`);
  return bytes.subarray(0, size);
}

function isLastLine(line: string): boolean {
  return line.length > 0 && line.length <= COLUMNS && Buffer.from(line, 'base64').toString('base64') === line;
}

function armorError(offset: number, message: string): FormatError {
  return new FormatError(`has damaged armor: it ${message}`, { offset, field: 'armor', value: 'a line' });
}
