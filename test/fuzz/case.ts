/**
 * One hostile file through everything that is pure: probe, load, validate, plan, emit. The outcome is
 * a ForeignError or a plan that breaks no rule of checker/; never another exception. Nothing is run.
 */
import { builtinLoaders } from '../../loaders/index.ts';
import { type ErrorCode, ForeignError } from '../../src/errors.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import { planProgram } from '../../src/plan/planner.ts';
import type { Source } from '../../src/source/source.ts';
import { DEFAULT_MAX_SIZE } from '../../src/source/source.ts';
import { stubOf } from '../support/plans.ts';
import { NO_KEYS } from '../support/resolve.ts';
import { bounded, Counted } from './bounds.ts';
import { brokenRules } from './checker/checker.ts';
import type { Circumstances } from './make/circumstances.ts';

const LONGEST_MESSAGE = 6000;

/** What no file may bring about. */
const OUR_FAULT: readonly ErrorCode[] = ['INTERNAL', 'LOADER_FAILED'];

/** `emitted` or, where that would be too much to carry, `planned`, with the architecture; or an error's code. */
export type Outcome = string;

/** What `bytes` end in; anything not allowed is thrown. */
export async function outcomeOf(bytes: Buffer, circumstances: Circumstances): Promise<Outcome> {
  try {
    return await bounded(() => start(bytes, circumstances));
  } catch (error) {
    if (!(error instanceof ForeignError) || OUR_FAULT.includes(error.code)) throw error;
    if (error.message.length > LONGEST_MESSAGE)
      throw new Error(`a message of ${error.message.length} characters`, { cause: error });
    return error.code;
  }
}

async function start(bytes: Buffer, circumstances: Circumstances): Promise<Outcome> {
  const { host, format, options } = circumstances;
  const { argv, ...rest } = circumstances.invocation;
  const files = new OpenFiles(circumstances);
  try {
    const resolution = await resolveProgram({
      source: files.open(bytes),
      argv,
      execfn: rest.execfn,
      loaders: builtinLoaders,
      context: {
        ...NO_KEYS,
        open: (path) => files.openNamed(path),
        find: () => undefined,
        isSelf,
        limits: { maxSize: DEFAULT_MAX_SIZE },
      },
      format,
      options,
      follow: async ({ name }) => ({ source: files.openNamed(name), path: name }),
    });
    const { image } = resolution;
    const invocation = { ...rest, argv: resolution.argv, exe: resolution.exe };
    const plan = planProgram(image, invocation, host);
    files.checkReads();
    const stub = stubOf(plan);
    const broken = brokenRules({ plan, image, invocation, host, files: files.byDescriptor, stub });
    if (broken.length > 0) throw new Error(broken.map(({ rule, by }) => `${rule}: ${by}`).join('\n'));
    return `emitted ${image.arch}`;
  } catch (error) {
    files.checkReads();
    throw error;
  }
}

const isSelf = (command: Uint8Array) => /(^|\/)run-foreign$/.test(Buffer.from(command).toString('latin1'));

/** The program and the files it names, each a source of its own that counts. */
class OpenFiles {
  readonly byDescriptor = new Map<number, Uint8Array>();
  readonly #circumstances: Circumstances;
  readonly #counted: Counted[] = [];

  constructor(circumstances: Circumstances) {
    this.#circumstances = circumstances;
  }

  open(bytes: Buffer): Source {
    const fd = 10 + this.#counted.length;
    const { source, file } = this.#circumstances.source(bytes, fd);
    if (file !== undefined) this.byDescriptor.set(fd, file);
    const counted = new Counted(source, bytes);
    this.#counted.push(counted);
    return counted.source;
  }

  openNamed(path: Uint8Array): Source {
    const name = Buffer.from(path).toString('latin1');
    const bytes = this.#circumstances.file(name);
    if (bytes === undefined) throw new ForeignError('PROGRAM_NOT_FOUND', 'no such file', { subject: name });
    return this.open(bytes);
  }

  checkReads(): void {
    for (const counted of this.#counted) counted.check();
  }
}
