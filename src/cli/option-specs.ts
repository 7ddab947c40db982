/** Our own options: what they are called, what they take and what help says of them. */
import { SKIPPABLE } from '../checkpoint/findings.ts';
import { TWIN_PREFIX } from './run-options.ts';

interface OptionSpec {
  /** `optional` may have a value, behind `=`. */
  readonly kind: 'text' | 'list' | 'flag' | 'optional';
  /** Of an optional value: what the next argument must look like to be it, without `=`. */
  readonly takes?: RegExp;
  /** A letter that stands for it behind a single dash. */
  readonly short?: string;
  /** The end of the environment variable's name that stands in for it, if not the option's; false for none. */
  readonly twin?: false | string;
  /** Whether what the variable says counts beside what is given as arguments, and not only without it. */
  readonly besides?: true;
  /** How help shows the value. */
  readonly value?: string;
  readonly help: string;
}

const SPECS = {
  format: { kind: 'text', value: 'NAME', help: 'use this loader and do not ask the others' },
  loader: {
    kind: 'list',
    twin: 'LOADERS',
    besides: true,
    value: 'FILE|PACKAGE',
    help: 'use the loader in this file, or in the package run-foreign-loader-...; may be repeated',
  },
  'loader-opt': {
    kind: 'list',
    value: 'NAME.KEY=VALUE',
    help: 'set an option of a loader (run-foreign formats lists them); may be repeated',
  },
  'loader-timeout': {
    kind: 'text',
    value: 'SECONDS',
    help: 'how long a loader from elsewhere may take; 30 unless given',
  },
  argv0: {
    kind: 'text',
    value: 'NAME',
    help: 'what the program gets as argv[0]; --argv0=-sh for a leading dash',
  },
  env: {
    kind: 'list',
    value: 'NAME[=VALUE]',
    help: 'set a variable, or keep it as it is in spite of --unset-env; may be repeated',
  },
  'unset-env': { kind: 'list', value: 'NAME', help: 'leave a variable out; may be repeated' },
  stdin: { kind: 'text', value: 'FILE', help: 'what the program gets as standard input' },
  gdb: {
    kind: 'optional',
    takes: /^\d{1,5}$/,
    twin: false,
    value: 'PORT',
    help: 'start it in gdb, stopped before its first instruction; with PORT in gdbserver, for a gdb that connects to it',
  },
  stdio: {
    kind: 'text',
    value: 'inherit|recorded',
    help: 'of a checkpoint: whether descriptors 0 to 2 are yours, or the files it had; unless given, yours where it had a terminal, a pipe or a socket',
  },
  'new-pid': { kind: 'flag', help: 'of a checkpoint: do not ask for the process number it had' },
  verify: {
    kind: 'flag',
    help: 'of a checkpoint: read all of it and compare its SHA-256 before it goes on',
  },
  skip: {
    kind: 'list',
    twin: false,
    value: 'KIND',
    help: `do without what KIND names: ${SKIPPABLE.join(', ')}; of a checkpoint that is started, cpu: what the processor lacks; may be repeated`,
  },
  'map-memory': {
    kind: 'flag',
    help: 'of a checkpoint: map its memory instead of reading it. It goes on at once, but needs the file as long as it runs, and memory it gives back is not zero (MADV_DONTNEED)',
  },
  sha256: {
    kind: 'text',
    value: 'HEX',
    help: 'what the file or URL must be, as sha256sum prints it; from the network this or a key is needed',
  },
  'verify-key': {
    kind: 'text',
    value: 'KEY|FILE',
    help: 'the minisign public key that must have signed it; the signature is beside it, as FILE.minisig or URL.minisig',
  },
  identity: {
    kind: 'list',
    short: 'i',
    value: 'FILE',
    help: 'a file with age keys, for sealed programs; - is standard input, fd:N a descriptor; may be repeated',
  },
  'not-confidential': {
    kind: 'flag',
    help: 'let others see the program although it was sealed: debuggers, core files, swap',
  },
  'max-size': {
    kind: 'text',
    value: 'SIZE',
    help: 'the most that is read from a pipe or the network, or unpacked: bytes, or with K, M or G behind; 1G unless given',
  },
  'no-cache': {
    kind: 'flag',
    help: 'start as if for the first time, and keep nothing for the next: a plain start of the same file can do without Node',
  },
  recipient: {
    kind: 'list',
    short: 'r',
    twin: false,
    value: 'RECIPIENT',
    help: 'who can open it: an age1... public key; may be repeated',
  },
  'recipients-file': {
    kind: 'list',
    short: 'R',
    twin: false,
    value: 'FILE',
    help: 'a file of recipients, one a line, # begins a comment; may be repeated',
  },
  passphrase: {
    kind: 'flag',
    short: 'p',
    twin: false,
    help: 'ask on the terminal for a passphrase that opens it',
  },
  output: { kind: 'text', short: 'o', twin: false, value: 'FILE', help: 'where to; - is standard output' },
  force: {
    kind: 'flag',
    short: 'f',
    twin: false,
    help: 'take the place of a file that is there already; of binfmt: also of entries of others',
  },
  armor: { kind: 'flag', short: 'a', twin: false, help: 'write text: PEM-like lines of base64' },
  executable: {
    kind: 'flag',
    twin: false,
    help: 'make it start by itself: a #! line for run-foreign before it, and x bits',
  },
  'leave-running': {
    kind: 'flag',
    twin: false,
    help: 'let the process go on; so it does unless told otherwise',
  },
  stop: {
    kind: 'flag',
    twin: false,
    help: 'leave the process stopped, as SIGSTOP does, when the file is whole',
  },
  kill: { kind: 'flag', twin: false, help: 'end the process when the file is whole' },
  complete: {
    kind: 'flag',
    twin: false,
    help: 'store also what is as it stands in files that the process has mapped: programs and libraries',
  },
  compress: { kind: 'text', twin: false, value: 'zstd', help: 'compress the file' },
  seal: {
    kind: 'list',
    twin: false,
    value: 'RECIPIENT',
    help: 'encrypt the file for an age1... public key; may be repeated',
  },
  check: { kind: 'flag', twin: false, help: 'only say what cannot be stored, and touch nothing' },
  style: {
    kind: 'text',
    twin: false,
    value: 'systemd|debian',
    help: 'who registers formats when the machine starts: systemd-binfmt, or update-binfmts; unless given, who is there',
  },
  root: {
    kind: 'text',
    twin: false,
    value: 'DIR',
    help: 'only write what is for the next boot, below DIR, and do not tell the kernel',
  },
  interpreter: {
    kind: 'text',
    twin: false,
    value: 'PATH',
    help: 'where run-foreign-binfmt will lie; where it lies now unless given',
  },
  now: { kind: 'flag', twin: false, help: 'only tell the kernel, and write nothing for the next boot' },
  copies: { kind: 'text', short: 'n', twin: false, value: 'N', help: 'how many copies; 1 unless given' },
  trace: {
    kind: 'optional',
    value: 'json',
    help: 'say on standard error what is done and how long it takes, until the program takes over; --trace=json for machines',
  },
  verbose: { kind: 'flag', help: 'say what is done, and what the kernel would not do' },
  svg: { kind: 'flag', twin: false, help: 'draw a picture of memory, as SVG' },
  json: { kind: 'flag', help: 'write JSON, for machines' },
  version: { kind: 'flag', short: 'V', help: 'show the version' },
  help: { kind: 'flag', short: 'h', help: 'show this text' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof SPECS;

export const optionSpec = (name: OptionName): OptionSpec => SPECS[name];

/** The environment variable that stands in for an option, if there is one. */
export function twinName(name: OptionName): string | undefined {
  const { twin = name.toUpperCase().replaceAll('-', '_') } = optionSpec(name);
  return twin === false ? undefined : TWIN_PREFIX + twin;
}
