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

/** `file` is what gdb reads symbols from. It takes names as they are, where they are no part of a command. */
export function gdbArguments(stub: number, file: Uint8Array): Uint8Array[] {
  return [
    ...['-q', '-ex', 'set startup-with-shell on', '-ex', `set exec-wrapper ${wrapper(stub)}`],
    ...['-ex', 'starti'],
  ]
    .map((text): Uint8Array => Buffer.from(text))
    .concat(file);
}

/** The connection is its standard input and output. The program's name is only shown: what is executed is the wrapper. */
export function gdbserverArguments(stub: number, file: Uint8Array): Uint8Array[] {
  return ['--once', '--wrapper', wrapper(stub), '--', '-']
    .map((text): Uint8Array => Buffer.from(text))
    .concat(file);
}

/** Where gdb finds the program. */
export const remote = (port: number): string => `127.0.0.1:${port}`;

/** What a gdb does that connects, as a file of commands. A `made` file is not the one that the process is known by. */
export function connectingScript(port: number, file: Uint8Array, made: boolean): Uint8Array {
  return Buffer.concat([
    Buffer.from('# The program, as it is on this machine, and the port where it waits.\n'),
    Buffer.from(made ? 'set exec-file-mismatch off\n' : ''),
    Buffer.from('set sysroot /\nfile '),
    quotedName(file),
    Buffer.from(`\ntarget remote ${remote(port)}\n`),
  ]);
}

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
