/**
 * What gdb and gdbserver are started with. Both think of the stub as a wrapper that becomes the program
 * (`set exec-wrapper`): they let it run until it has executed as many programs as they expect, and take the
 * stub's SIGTRAP for the last of them. So to them the program begins where it does, and all they do at a
 * program's start they do then.
 */

/** Bytes that gdb's commands and its remote's would take for more than a part of a name. */
const PLAIN = /^[A-Za-z0-9_/.,:@%+=-]$/;
const isControl = (byte: number) => byte < 0x20 || byte === 0x7f;

/** gdb runs its wrapper through a shell, where a number of its own needs no quoting. */
const wrapper = (stub: number) => `/proc/self/fd/${stub}`;

/** The file that gdb reads symbols from. */
export interface Symbols {
  readonly file: Uint8Array;
  /** What to add to the addresses in it, if gdb does not find out: an expression that counts when the program stands at its entry. */
  readonly offset?: string | undefined;
}

/** gdb takes names as they are, where they are no part of a command. */
export function gdbArguments(stub: number, { file, offset }: Symbols): Uint8Array[] {
  const start = [
    ...['-q', '-ex', 'set startup-with-shell on', '-ex', `set exec-wrapper ${wrapper(stub)}`],
    ...['-ex', 'starti'],
  ].map((text): Uint8Array => Buffer.from(text));
  if (offset === undefined) return [...start, file];
  return [...start, Buffer.from('-ex'), symbolCommand(file, offset), Buffer.from('-e'), file];
}

/** Nothing is asked as long as gdb has no other symbols. */
const symbolCommand = (file: Uint8Array, offset: string): Uint8Array =>
  Buffer.concat([Buffer.from(`symbol-file -o ${offset} `), quotedName(file)]);

/** The connection is its standard input and output. The program's name is only shown: what is executed is the wrapper. */
export function gdbserverArguments(stub: number, file: Uint8Array): Uint8Array[] {
  return ['--once', '--wrapper', wrapper(stub), '--', '-']
    .map((text): Uint8Array => Buffer.from(text))
    .concat(file);
}

/** Where gdb finds the program. */
export const remote = (port: number): string => `127.0.0.1:${port}`;

/** What a gdb does that connects, as a file of commands. A `made` file is not the one that the process is known by. */
export function connectingScript(port: number, { file, offset }: Symbols, made: boolean): Uint8Array {
  const line = (...parts: (string | Uint8Array)[]) => [...parts.map((part) => Buffer.from(part)), NEWLINE];
  return Buffer.concat([
    ...line('# The program, as it is on this machine, and the port where it waits.'),
    ...(made || offset !== undefined ? line('set exec-file-mismatch off') : []),
    ...line('set sysroot /'),
    ...line(offset === undefined ? 'file ' : 'exec-file ', quotedName(file)),
    ...line(`target remote ${remote(port)}`),
    ...(offset === undefined ? [] : line(symbolCommand(file, offset))),
  ]);
}

const NEWLINE = Buffer.from('\n');

/** Whether a file of commands can name it: a line ends at a control character at the latest. */
export const canBeNamed = (file: Uint8Array): boolean => !file.some(isControl);

/** As gdb's commands take a file's name (buildargv in libiberty): what a backslash precedes means itself. */
function quotedName(file: Uint8Array): Uint8Array {
  const quoted: number[] = [];
  for (const byte of file) {
    if (byte < 0x80 && !PLAIN.test(String.fromCharCode(byte))) quoted.push(BACKSLASH);
    quoted.push(byte);
  }
  return Uint8Array.from(quoted);
}

const BACKSLASH = 0x5c;
