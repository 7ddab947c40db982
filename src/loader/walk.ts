/**
 * The way from a file to the program it leads to: what was taken off, which files named others, and what became of the
 * arguments. Bounded: a file cannot make it endless.
 */
import { ForeignError } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { BackingFile, Source } from '../source/source.ts';
import type { Trace } from '../trace.ts';
import type { LoadContext, Loaded, LoaderPlugin, NamedProgram, Secrets } from './contract.ts';
import type { GivenOption } from './options.ts';
import type { TimeLimit } from './time-limit.ts';

/** How many wrappers and manifests may lie inside each other or name each other. */
const MAX_UNWRAP_DEPTH = 8;
/** How many interpreters execve(2) follows before ELOOP (fs/exec.c, exec_binprm). */
const MAX_INTERPRETER_DEPTH = 5;

/** A program that was opened because a file names it. */
export interface OpenedProgram {
  readonly source: Source;
  /** The name an interpreter would open it by. */
  readonly path: Uint8Array;
  /** The file its bytes were read from, where the source is not that file as it stands. */
  readonly exe?: BackingFile | undefined;
  /** What it is opened with if it is sealed; the user's own unless given. */
  readonly secrets?: Secrets | undefined;
}

/** Opens what a file names. `from` is the file that names it, if that lies on this machine. */
export type Follow = (named: NamedProgram, from: BackingFile | undefined) => Promise<OpenedProgram>;

/** Loaders that do not come with us, and what is done about them. */
export interface Guests {
  readonly loaders: ReadonlySet<LoaderPlugin>;
  /** For each call of one of them. */
  readonly limit: TimeLimit;
  /** Told of those that fail while they are asked whether a file is theirs: they have said "not mine". */
  readonly onFailure: (failure: unknown) => void;
}

/** What the host gives to every loader; options and arguments come on the way. */
export type HostContext = Omit<LoadContext, 'options' | 'argv'>;

export interface ResolveRequest {
  readonly source: Source;
  /** The file its bytes were read from, where the source is not that file as it stands. */
  readonly exe?: BackingFile | undefined;
  readonly argv: readonly Uint8Array[];
  /** Whether the user has chosen argv[0], so that no file may. */
  readonly ownArgv0?: boolean | undefined;
  /** The name the program is known by; interpreters get it as an argument. */
  readonly execfn: Uint8Array;
  readonly loaders: readonly LoaderPlugin[];
  readonly context: HostContext;
  /** `--format`: this loader and no other, for the file itself and not for its interpreters. */
  readonly format?: string | undefined;
  /** Without it, files that name others are refused. */
  readonly follow?: Follow | undefined;
  /** `--loader-opt`: each loader gets its own. */
  readonly options?: readonly GivenOption[] | undefined;
  readonly guests?: Guests | undefined;
  readonly trace?: Trace | undefined;
}

export interface Resolution {
  /** Whose image it is. */
  readonly loader: LoaderPlugin;
  readonly image: ProgramImage;
  /** The file the image came from. */
  readonly source: Source;
  /** What its loader was given: that file, or what was in it. */
  readonly content: Source;
  /** What /proc/PID/exe is to name. */
  readonly exe: BackingFile | undefined;
  /** argv with every interpreter put before it, as execve does, and what files have added to it. */
  readonly argv: readonly Uint8Array[];
  /** Whether another program runs the file, so that nothing of the argv[0] that was asked for is left. */
  readonly interpreted: boolean;
  /** `NAME=VALUE`: for the environment, where it has no such variable. Of two of a name the first counts. */
  readonly env: readonly Uint8Array[];
  /** The names of the files that named others, in order. */
  readonly namedBy: readonly string[];
  /** Everything on the way that must be authenticated before the program starts. */
  readonly unauthenticated: readonly Source[];
}

export class Walk {
  source: Source;
  format: string | undefined;
  readonly #follow: Follow | undefined;
  readonly #loaders: readonly LoaderPlugin[];
  #host: HostContext;
  #file: Source;
  #exe: BackingFile | undefined;
  #argv: readonly Uint8Array[];
  #ownArgv0: boolean;
  #path: Uint8Array;
  #unwraps = 0;
  #interpreters = 0;
  readonly #env: Uint8Array[] = [];
  readonly #namedBy: string[] = [];
  readonly #unauthenticated: Source[] = [];

  constructor(request: ResolveRequest) {
    this.source = request.source;
    this.#host = request.context;
    this.format = request.format;
    this.#follow = request.follow;
    this.#loaders = request.loaders;
    this.#file = request.source;
    this.#exe = request.exe ?? request.source.file;
    this.#argv = request.argv;
    this.#ownArgv0 = request.ownArgv0 === true;
    this.#path = request.execfn;
    this.#meet(request.source);
  }

  /** What the loader of `source` is told. */
  get context(): Omit<LoadContext, 'options'> {
    return { ...this.#host, argv: this.#argv };
  }

  /** Goes on with what `source` holds. Throws NESTED_TOO_DEEP. */
  unwrap(inside: Source): void {
    this.#countUnwrap();
    this.source = inside;
    this.#meet(inside);
  }

  /** Goes on with the program that `source` names. Throws NESTED_TOO_DEEP, and what opening it does. */
  async follow(loader: LoaderPlugin, named: NamedProgram): Promise<void> {
    this.#countUnwrap();
    if (this.source.confidential) {
      throw new ForeignError('LOADER_FAILED', `the loader ${loader.name} makes confidential bytes public`);
    }
    const subject = this.source.name;
    if (this.#follow === undefined)
      throw new ForeignError('UNSUPPORTED', 'names another program, which is not followed here', { subject });
    this.#checkFormat(named.format, subject);
    const opened = await this.#follow(named, this.#exe);
    this.#namedBy.push(subject);
    this.#open(opened.source, opened.path, opened.exe);
    const [argv0, ...args] = this.#argv;
    const wished = this.#ownArgv0 ? undefined : named.argv0;
    const first = wished ?? argv0;
    this.#argv = [...(first === undefined ? [] : [first]), ...named.args, ...args];
    this.#ownArgv0 ||= wished !== undefined;
    this.#env.push(...named.env);
    this.format ??= named.format;
    if (opened.secrets !== undefined) this.#host = { ...this.#host, secrets: opened.secrets };
  }

  /** Goes on with the interpreter that `source` names. Throws NESTED_TOO_DEEP, UNSUPPORTED, and what opening it does. */
  interpret({ path, args }: Extract<Loaded, { kind: 'interpreter' }>): void {
    if (this.source.file === undefined) throw noFileToInterpret(this.source, path);
    if (++this.#interpreters > MAX_INTERPRETER_DEPTH) {
      throw tooDeep(this.source, `more than ${MAX_INTERPRETER_DEPTH} interpreters name each other (ELOOP)`);
    }
    this.#argv = [path, ...args, this.#path, ...this.#argv.slice(1)];
    this.#ownArgv0 = false;
    this.#open(this.#host.open(path), path, undefined);
    this.format = undefined;
    this.#unwraps = 0;
  }

  end(loader: LoaderPlugin, image: ProgramImage): Resolution {
    return {
      loader,
      image,
      source: this.#file,
      content: this.source,
      exe: this.#exe,
      argv: this.#argv,
      interpreted: this.#interpreters > 0,
      env: this.#env,
      namedBy: this.#namedBy,
      unauthenticated: this.#unauthenticated,
    };
  }

  /** What a file says is no wrong usage, as --format would be. */
  #checkFormat(format: string | undefined, subject: string): void {
    const known = this.#loaders.map(({ name }) => name);
    if (format === undefined || known.includes(format)) return;
    throw new ForeignError('BAD_FORMAT', `names the format '${format}', for which there is no loader`, {
      subject,
      hint: `the formats are ${known.join(', ')}`,
    });
  }

  #open(source: Source, path: Uint8Array, exe: BackingFile | undefined): void {
    this.source = source;
    this.#file = source;
    this.#exe = exe ?? source.file;
    this.#path = path;
    this.#meet(source);
  }

  #meet(source: Source): void {
    if (source.authenticate !== undefined) this.#unauthenticated.push(source);
  }

  #countUnwrap(): void {
    if (++this.#unwraps > MAX_UNWRAP_DEPTH)
      throw tooDeep(this.source, `more than ${MAX_UNWRAP_DEPTH} wrappers`);
  }
}

/** An interpreter opens its script by name, and what has that name here is another file, or may be by then. */
function noFileToInterpret(source: Source, path: Uint8Array): ForeignError {
  const message = `is run from memory, where its interpreter, ${Buffer.from(path)}, could not open it`;
  return new ForeignError('UNSUPPORTED', message, {
    subject: source.name,
    hint: 'save it as a file and run that',
  });
}

function tooDeep(source: Source, what: string): ForeignError {
  return new ForeignError('NESTED_TOO_DEEP', what, { subject: source.name });
}
