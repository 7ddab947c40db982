/** What users of the library may say about a program, and what comes of it for the loaders. */
import { builtinLoaders } from '../../loaders/index.ts';
import { ForeignError } from '../errors.ts';
import type { LoaderPlugin, Secrets } from '../loader/contract.ts';
import type { GivenOption } from '../loader/options.ts';
import type { Trace } from '../trace.ts';

/** What a program from the network must be, and a local one may be required to be. */
export interface ForeignNetwork {
  /** What its bytes must be, hex digits. `#sha256=` on a URL says the same. */
  readonly sha256?: string | undefined;
  /** The public key of minisign that must have signed it, or a file that holds the key. The signature lies beside the program. */
  readonly verifyKey?: string | undefined;
  /** A file of certificates to trust beside those that are built into Node. */
  readonly extraCa?: string | undefined;
}

/** A value for an option of a loader. */
export type LoaderOptionValue = string | number | bigint | boolean;

/** How a program is found and loaded. */
export interface LoadOptions {
  /** Loaders that are asked before our own. One that is called like one of ours takes its place. */
  readonly loaders?: readonly LoaderPlugin[] | undefined;
  /** The name of the loader to take instead of asking the file. */
  readonly format?: string | undefined;
  /** Options of loaders, by loader and option: `{ flat: { base: 0x1000 } }`. `run-foreign formats` lists them. */
  readonly loaderOptions?: Readonly<Record<string, Readonly<Record<string, LoaderOptionValue>>>> | undefined;
  /** What the program must be. One from the network needs a digest or a key. */
  readonly network?: ForeignNetwork | undefined;
  /** Told of every step while the program is loaded, and planned for a start of its own. What it throws rejects the call. */
  readonly trace?: Trace | undefined;
  /** What sealed programs are opened with. */
  readonly secrets?: Secrets | undefined;
  /**
   * Whether a program that was sealed is kept from everybody else while it runs; true unless given. Only `execForeign` and
   * the command `run-foreign` can keep it so: everything else refuses such a program unless this is false.
   */
  readonly confidential?: boolean | undefined;
  /** The most that is read from the network or unpacked, bytes; 1 GiB unless given. */
  readonly maxSize?: number | undefined;
  /** What a program that is given as bytes is known by: its path in messages, `argv[0]`, and its short name. */
  readonly name?: string | undefined;
  /** What the program gets as `argv[0]`; unless given, its name. */
  readonly argv0?: string | undefined;
  /** The directory that relative names count from, and that a program starts in. */
  readonly cwd?: string | URL | undefined;
  /** The environment. Its PATH is where names are looked up. `process.env` unless given. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** What a program that is given as bytes is called when nobody says. */
export const NAMELESS = 'program';

/** Those of the user's before ours. */
export function loadersFor({ loaders = [] }: LoadOptions): readonly LoaderPlugin[] {
  const names = new Set(loaders.map(({ name }) => name));
  return [...loaders, ...builtinLoaders.filter(({ name }) => !names.has(name))];
}

/** As the command has them. */
export function givenOptions({ loaderOptions = {} }: LoadOptions): GivenOption[] {
  return Object.entries(loaderOptions).flatMap(([loader, options]) =>
    Object.entries(options).map(([key, value]) => ({ loader, key, value: String(value) })),
  );
}

/** The user's secrets where they open no confidential program. They throw UNSUPPORTED for one that is, before a key is read. */
export function publicSecrets({ secrets, confidential = true }: LoadOptions): Secrets | undefined {
  if (!confidential) return secrets;
  const refuse = () => Promise.reject(confidentialRefusal());
  return { identities: refuse, passphrase: refuse };
}

/** A library cannot close its caller's process to everybody, which keys and plaintext in it would need. */
export function confidentialRefusal(): ForeignError {
  const message = 'is confidential, and only a process that nobody may look into can keep it so';
  return new ForeignError('UNSUPPORTED', message, {
    hint: 'start the command run-foreign, or say confidential: false',
    harmless: true,
  });
}
