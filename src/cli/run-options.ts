/** The options that say how a program is started, and what they make of the environment. */
import { environmentValue } from '../launch/environment.ts';
import type { ResumeWishes } from '../launch/request.ts';
import type { GivenOption } from '../loader/options.ts';
import type { ConfiguredLoaders } from '../plugins/load.ts';
import { toText } from './invocation.ts';
import type { TraceFormat } from './trace.ts';

/** Values are byte strings (see invocation.ts). */
export interface RunOptions {
  readonly format?: string | undefined;
  /** Files and packages. */
  readonly loaders?: readonly string[] | undefined;
  readonly configured?: ConfiguredLoaders | undefined;
  readonly loaderOptions?: readonly GivenOption[] | undefined;
  /** Milliseconds. */
  readonly loaderTimeout?: number | undefined;
  readonly argv0?: string | undefined;
  /** `NAME` or `NAME=VALUE`. */
  readonly env?: readonly string[] | undefined;
  readonly unsetEnv?: readonly string[] | undefined;
  readonly stdin?: string | undefined;
  /** Bytes. */
  readonly maxSize?: number | undefined;
  readonly verbose?: boolean | undefined;
  readonly trace?: TraceFormat | undefined;
  readonly sha256?: string | undefined;
  readonly verifyKey?: string | undefined;
  /** Key files. */
  readonly identity?: readonly string[] | undefined;
  readonly notConfidential?: boolean | undefined;
  /** Whether it is debugged, and through which port if not here. */
  readonly gdb?: { readonly port: number | undefined } | undefined;
  /** How a process goes on. */
  readonly resume?: ResumeWishes | undefined;
  /** Whether one of the two was given as an argument, and not only through the environment. */
  readonly checkDemanded?: boolean | undefined;
}

/** What the options' twins in the environment begin with. */
export const TWIN_PREFIX = 'RUN_FOREIGN_';
/**
 * The options that change how a program is started; options.ts knows all about them. That NO_CACHE is not among them costs
 * nothing: a start is kept only where there is no option and no variable of ours at all (keep-start.ts).
 */
const TWINS = [
  'FORMAT',
  'LOADERS',
  'LOADER_OPT',
  'LOADER_TIMEOUT',
  'ARGV0',
  'ENV',
  'UNSET_ENV',
  'STDIN',
  'MAX_SIZE',
  'VERBOSE',
  'TRACE',
  'VERSION',
  'HELP',
  'SHA256',
  'VERIFY_KEY',
  'IDENTITY',
  'NOT_CONFIDENTIAL',
  'STDIO',
  'NEW_PID',
  'VERIFY',
  'MAP_MEMORY',
];

/** Where keys are is nobody's business but ours. */
const IDENTITY_TWIN = Buffer.from(`${TWIN_PREFIX}IDENTITY=`);

/** With what the caller of the program gave as argv[0], where nobody wishes for another. */
export function withArgv0<T extends RunOptions>(options: T, argv0: Uint8Array | undefined): T {
  return argv0 === undefined ? options : { ...options, argv0: options.argv0 ?? toText(argv0) };
}

/** Whether any of them is set through the environment: then the plain path is not plain. */
export function hasTwins(envp: readonly Uint8Array[]): boolean {
  const prefix = Buffer.from(TWIN_PREFIX);
  const own = envp.filter(
    (entry) => entry[0] === prefix[0] && prefix.equals(entry.subarray(0, prefix.length)),
  );
  return own.length > 0 && TWINS.some((name) => environmentValue(own, TWIN_PREFIX + name) !== undefined);
}

/**
 * The program's environment: ours without the unset names, with the set ones. `NAME` alone keeps the
 * value it has, also when it is unset by name, so that `--unset-env` can be given for all but one.
 */
export function programEnvironment(all: readonly Uint8Array[], options: RunOptions): Uint8Array[] {
  const { env = [], unsetEnv = [] } = options;
  const envp = all.filter(
    (entry) =>
      entry[0] !== IDENTITY_TWIN[0] || !IDENTITY_TWIN.equals(entry.subarray(0, IDENTITY_TWIN.length)),
  );
  if (env.length === 0 && unsetEnv.length === 0) return envp;
  const entries = new Map<string, string>();
  const original = new Map<string, string>();
  for (const entry of envp.map(toText)) {
    original.set(nameOf(entry), entry);
    if (!unsetEnv.includes(nameOf(entry))) entries.set(nameOf(entry), entry);
  }
  for (const entry of env) {
    const value = entry.includes('=') ? entry : original.get(entry);
    if (value !== undefined) entries.set(nameOf(entry), value);
  }
  return [...entries.values()].map((entry) => Buffer.from(entry, 'latin1'));
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
}
