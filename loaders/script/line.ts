/** The first line of a script, as fs/binfmt_script.c reads it. */

export interface ScriptLine {
  readonly interpreter: Uint8Array;
  /** All that follows the interpreter is one argument. */
  readonly argument?: Uint8Array;
  /** What the line starts in the end: the interpreter, or the command after `env -S`. */
  readonly commands: readonly Uint8Array[];
}

/** Reads the line from a file's first bytes; undefined where the kernel answers ENOEXEC. */
export function parseLine(bytes: Uint8Array): ScriptLine | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  const newline = text.indexOf('\n');
  const nul = text.indexOf('\0');
  let end = newline >= 0 ? newline : nul >= 0 ? nul : text.length;
  if (newline < 0 && nul < 0) {
    // A line cut off by the buffer is good as long as the interpreter's name is whole.
    const start = text.slice(2).search(/[^ \t]/);
    if (start < 0 || !/[ \t]/.test(text.slice(2 + start))) return undefined;
    end = text.length;
  }
  const line = text
    .slice(2, end)
    .replace(/[ \t]+$/, '')
    .replace(/^[ \t]+/, '');
  const match = /^([^ \t\0]+)(?:[ \t]+([^\0]*))?/.exec(line);
  const interpreter = match?.[1];
  if (interpreter === undefined) return undefined;
  const argument = match?.[2];
  return {
    interpreter: Buffer.from(interpreter, 'latin1'),
    ...(argument !== undefined && argument !== '' && { argument: Buffer.from(argument, 'latin1') }),
    commands: [interpreter, ...envCommand(interpreter, argument)].map((command) =>
      Buffer.from(command, 'latin1'),
    ),
  };
}

/** `env COMMAND` or `env -S [NAME=VALUE…] COMMAND …`: the command. */
function envCommand(interpreter: string, argument = ''): string[] {
  if (!/(^|\/)env$/.test(interpreter)) return [];
  const words = argument.split(/[ \t]+/);
  if (words[0] !== undefined) words[0] = words[0].replace(/^(-S|--split-string=?)/, '');
  const command = words.find((word) => word !== '' && word !== '-S' && !word.includes('='));
  return command === undefined ? [] : [command];
}
