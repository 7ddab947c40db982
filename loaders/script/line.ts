/**
 * The first line of a script, as load_script in fs/binfmt_script.c reads it: from a buffer of 256 bytes
 * that is filled up with NULs, in which a NUL ends every string.
 */

/** BINPRM_BUF_SIZE: the kernel looks at no more of the file. */
export const BINPRM_BUF_SIZE = 256;
const LAST = BINPRM_BUF_SIZE - 1;
const MAGIC_SIZE = 2;
const NEWLINE = 0x0a;
const NUL = 0;

export interface ScriptLine {
  readonly interpreter: Uint8Array;
  /** All that follows the interpreter is one argument. */
  readonly argument?: Uint8Array;
  /** What the line starts in the end: the interpreter, or the command that env(1) starts. */
  readonly commands: readonly Uint8Array[];
}

/** Reads the line from a file's first bytes; undefined where the kernel answers ENOEXEC. */
export function parseLine(start: Uint8Array): ScriptLine | undefined {
  const bytes = Buffer.alloc(BINPRM_BUF_SIZE);
  bytes.set(start.subarray(0, BINPRM_BUF_SIZE));
  let end = endOfLine(bytes);
  if (end === undefined) return undefined;
  while (isBlank(bytes[end - 1])) end--;
  const name = find(bytes, MAGIC_SIZE, end, (byte) => !isBlank(byte));
  if (name === undefined || name === end) return undefined;
  const separator = find(bytes, name, end, isTerminator);
  const hasMore = separator !== undefined && bytes[separator] !== NUL;
  const argumentAt = hasMore ? find(bytes, separator, end, (byte) => !isBlank(byte)) : undefined;

  bytes[end] = NUL;
  if (separator !== undefined && argumentAt !== undefined) bytes[separator] = NUL;
  const interpreter = stringAt(bytes, name);
  const argument = argumentAt === undefined ? undefined : stringAt(bytes, argumentAt);
  const command = envCommand(interpreter.toString('latin1'), argument?.toString('latin1') ?? '');
  return {
    interpreter,
    ...(argument !== undefined && { argument }),
    commands: command === undefined ? [interpreter] : [interpreter, Buffer.from(command, 'latin1')],
  };
}

/** A line without an end in the buffer is good as long as the interpreter's name has one. */
function endOfLine(bytes: Uint8Array): number | undefined {
  const newline = bytes.indexOf(NEWLINE);
  const nul = bytes.indexOf(NUL);
  if (newline >= 0 && (nul < 0 || newline < nul)) return newline;
  const name = find(bytes, MAGIC_SIZE, LAST, (byte) => !isBlank(byte));
  if (name === undefined || find(bytes, name, LAST, isTerminator) === undefined) return undefined;
  return LAST;
}

/** The first index in [from, to] whose byte is `wanted`. */
function find(
  bytes: Uint8Array,
  from: number,
  to: number,
  wanted: (byte: number) => boolean,
): number | undefined {
  for (let at = from; at <= to; at++) if (wanted(bytes[at] ?? NUL)) return at;
  return undefined;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isTerminator(byte: number): boolean {
  return isBlank(byte) || byte === NUL;
}

function stringAt(bytes: Buffer, at: number): Buffer {
  return Buffer.from(bytes.subarray(at, bytes.indexOf(NUL, at)));
}

/** Options of env(1) whose value is the next word. */
const ENV_OPTIONS_WITH_VALUE = new Set(['-u', '--unset', '-C', '--chdir', '-a', '--argv0']);

/** The command in `env COMMAND` and `env -S [OPTION…] [NAME=VALUE…] COMMAND …`. */
function envCommand(interpreter: string, argument: string): string | undefined {
  if (!/(^|\/)env$/.test(interpreter)) return undefined;
  const words = argument
    .replace(/^(-[a-zA-Z]*S|--split-string=?)/, ' ')
    .split(/[ \t]+/)
    .map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
    .filter((word) => word !== '');
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (ENV_OPTIONS_WITH_VALUE.has(word)) index++;
    else if (!word.startsWith('-') && !word.includes('=')) return word;
  }
  return undefined;
}
