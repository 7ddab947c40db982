/**
 * What the command was given, byte for byte. Node decodes argv and the environment as UTF-8 and loses
 * what is not, so both are read from /proc, where they still stand as execve put them there.
 */
import { isFromBinfmt, putBack, socketFrom } from '../launcher/protocol.ts';
import { readStrings } from '../native/proc.ts';

export interface RawInvocation {
  readonly args: readonly Uint8Array[];
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  /** Of a start by binfmt_misc: what the caller gave as argv[0]. All of `args` is then the program's. */
  readonly argv0?: Uint8Array | undefined;
}

/** `process.argv` says how many arguments are ours; before them stand node, its own options and the script. */
export function rawInvocation(): RawInvocation {
  const count = process.argv.length - 2;
  const cmdline = readStrings('/proc/self/cmdline');
  const environ = readStrings('/proc/self/environ');
  const envp = socketFrom(process.argv0) === undefined ? environ : putBack(environ);
  const args = count > 0 ? cmdline.slice(-count) : [];
  const [path, argv0, ...others] = args;
  if (path === undefined || !isFromBinfmt(process.argv0)) return { args, envp };
  // A caller may give no argv at all, and before Linux 5.18 the kernel leaves it at that.
  return { args: [asPath(path), ...others], envp, argv0: argv0 ?? path };
}

/** What execve was given names a file, and nothing that we make of names. */
function asPath(path: Uint8Array): Uint8Array {
  const text = toText(path);
  return /^-|^https?:/i.test(text) || !text.includes('/') ? toBytes(`./${text}`) : path;
}

/** Bytes as a string that loses none of them, for parsers that want strings. */
export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const toBytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
