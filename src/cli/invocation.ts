/**
 * What the command was given, byte for byte. Node decodes argv and the environment as UTF-8 and loses
 * what is not, so both are read from /proc, where they still stand as execve put them there.
 */
import { putBack, socketFrom } from '../launcher/protocol.ts';
import { readStrings } from '../native/proc.ts';

export interface RawInvocation {
  readonly args: readonly Uint8Array[];
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
}

/** `process.argv` says how many arguments are ours; before them stand node, its own options and the script. */
export function rawInvocation(): RawInvocation {
  const count = process.argv.length - 2;
  const cmdline = readStrings('/proc/self/cmdline');
  const environ = readStrings('/proc/self/environ');
  const envp = socketFrom(process.argv0) === undefined ? environ : putBack(environ);
  return { args: count > 0 ? cmdline.slice(-count) : [], envp };
}

/** Bytes as a string that loses none of them, for parsers that want strings. */
export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const toBytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
