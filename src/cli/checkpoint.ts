/**
 * `run-foreign checkpoint`: a running process becomes a file that goes on with it. All is taken from the process in one go
 * while it stands still: into the file, or into memory where the file is to be compressed, encrypted or sent away, so that the
 * process waits for nothing that is slow.
 */
import { openSync } from 'node:fs';
import { MAX_HEADER_SIZE } from '../../loaders/age/header.ts';
import { sealed, sealHeader } from '../../loaders/age/seal.ts';
import { finishCore, writeCore } from '../../loaders/core/write.ts';
import { compressed } from '../../loaders/zstd/compress.ts';
import { examine, type Frozen } from '../checkpoint/capture.ts';
import { ForeignError, printable } from '../errors.ts';
import { closeDescriptor, memfdForData } from '../native/libc.ts';
import { readText } from '../native/proc.ts';
import { seclude } from '../native/seclude.ts';
import type { OnProgress } from '../source/source.ts';
import { timed } from '../trace.ts';
import { shortUsage, TOPICS } from './help.ts';
import { inputPieces } from './input-pieces.ts';
import { toBytes } from './invocation.ts';
import type { Options } from './option-values.ts';
import type { ParsedArguments } from './options.ts';
import { write, writeLine } from './output.ts';
import {
  checkOutput,
  fillOutput,
  isStandardOutput,
  type OutputFile,
  writeError,
  writeOutput,
} from './output-file.ts';
import { processId, skippedKinds } from './process-id.ts';
import { progressLine } from './progress.ts';
import { readRecipients } from './recipients.ts';
import { traceFor } from './run.ts';
import { type Standstill, standStill } from './standstill.ts';
import { jsonText } from './text.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign checkpoint --help';
/** A program, and nobody else's business: it holds all of a process's memory. */
const MODE = 0o700;

/** What is made of the bytes on their way. */
type Wrapper = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

export async function checkpoint({ options, rest }: ParsedArguments): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.checkpoint));
    return 2;
  }
  const trace = await traceFor(options);
  const pid = processId(rest, 'checkpoint');
  if (options.check) return check(pid, options);
  if (options.output === undefined) {
    throw usageError('checkpoint needs --output FILE, or - for standard output', HELP);
  }
  const output = { path: toBytes(options.output), mode: MODE, replace: options.force };
  checkOutput(output);
  const wrappers = await wrappersFor(options);
  const sealing = options.seal.length + options.recipientsFiles.length > 0;
  if (sealing) seclude();
  const progress = progressLine(readText(`/proc/${pid}/comm`)?.trim() ?? String(pid));
  const still = standStill(trace, pid, { skip: skippedKinds(options.skip), complete: options.complete });
  const { frozen } = still;
  const target = new Target(still, options);
  try {
    refuseSecret(pid, frozen, sealing);
    const plain = wrappers.length === 0 && !isStandardOutput(output.path);
    await timed(trace, { event: 'write', file: Buffer.from(output.path).toString() }, () =>
      plain ? writePlain(output, target, progress) : writeWrapped(output, target, wrappers, progress),
    );
    target.finish();
  } finally {
    target.release();
  }
  return 0;
}

/** The process, which goes on as soon as it may. */
class Target {
  readonly frozen: Frozen;
  readonly #options: Options;
  readonly #over: Standstill['over'];
  #thawed = false;

  constructor({ frozen, over }: Standstill, options: Options) {
    this.frozen = frozen;
    this.#options = options;
    this.#over = over;
  }

  /** All has been taken from it. Where it is not to go on, it waits until the file is safe. */
  taken(): void {
    if (this.#options.afterwards === 'run') this.#thaw('run');
  }

  /** The file is safe. */
  finish(): void {
    if (!this.#thawed) this.#thaw(this.#options.afterwards);
  }

  /** Something went wrong: it goes on. */
  release(): void {
    if (!this.#thawed) this.#thaw('run');
  }

  #thaw(then: Options['afterwards']): void {
    this.#thawed = true;
    const milliseconds = this.frozen.thaw(then);
    this.#over(milliseconds, then);
    if (this.#options.verbose) {
      writeLine(2, `run-foreign: the process stood still for ${milliseconds.toFixed(1)} ms`);
    }
  }
}

async function writePlain(output: OutputFile, target: Target, progress: OnProgress): Promise<void> {
  await fillOutput(output, async (fd) => {
    try {
      const unfinished = writeCore(fd, target.frozen, progress);
      target.taken();
      await finishCore(unfinished, progress);
    } catch (cause) {
      throw isFileError(cause) ? writeError(output.path, cause) : cause;
    }
  });
}

const isFileError = (cause: unknown): boolean =>
  ['ENOSPC', 'EIO', 'EFBIG', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');

async function writeWrapped(
  output: OutputFile,
  target: Target,
  wrappers: readonly Wrapper[],
  progress: OnProgress,
): Promise<void> {
  const fd = memfdForData('checkpoint');
  try {
    const unfinished = writeCore(fd, target.frozen, progress);
    target.taken();
    const size = await finishCore(unfinished, progress);
    const input = { name: 'checkpoint', fd: openSync(`/proc/self/fd/${fd}`, 'r'), size };
    let pieces: AsyncIterable<Uint8Array> = inputPieces(input, 'writing', progress);
    for (const wrapper of wrappers) pieces = wrapper(pieces);
    await writeOutput(output, pieces);
  } finally {
    closeDescriptor(fd);
  }
}

/** From the inside out. Throws USAGE. */
async function wrappersFor({ compress, seal, recipientsFiles }: Options): Promise<Wrapper[]> {
  const wrappers: Wrapper[] = [];
  if (compress !== undefined && compress !== 'zstd')
    throw usageError(`--compress knows zstd, and not '${compress}'`, HELP);
  if (compress !== undefined) wrappers.push(compressed);
  if (seal.length + recipientsFiles.length > 0) {
    const header = await sealHeader({ recipients: await readRecipients(seal, recipientsFiles) });
    if (header.bytes.length > MAX_HEADER_SIZE) {
      throw usageError(`more recipients than fit a header of ${MAX_HEADER_SIZE / 1024} KiB`, HELP);
    }
    wrappers.push((pieces) => sealed(pieces, header));
  }
  return wrappers;
}

/**
 * What was decrypted must not lie in a file. Such a process is closed to others and its memory is kept out of core files; one that only
 * is closed has given up the rights of another user, as daemons do.
 */
function refuseSecret(pid: number, { state }: Frozen, sealing: boolean): void {
  const hidden = state.mappings.some(
    ({ backing, flags }) => !backing.kind.startsWith('vvar') && flags.includes('dd'),
  );
  if (sealing || state.attributes.dumpable === 1 || !hidden) return;
  throw new ForeignError(
    'PROCESS_REFUSED',
    'is confidential (PR_SET_DUMPABLE, MADV_DONTDUMP), and is only written encrypted',
    {
      subject: `process ${pid}`,
      hint: 'name who can open it, with --seal RECIPIENT',
    },
  );
}

/** Exit status 0 where it can be checkpointed, and 1 where it cannot. */
function check(pid: number, options: Options): number {
  const findings = examine(pid, { skip: skippedKinds(options.skip), complete: options.complete });
  const { refused, skipped } = findings;
  if (options.json) write(1, jsonText({ pid, ok: refused.length === 0, refused, skipped }));
  else {
    const line =
      (verdict: string) =>
      ({ object, what, why, skip }: (typeof refused)[number]) =>
        writeLine(1, printable(`${verdict}  ${object} (${what}) ${why}: --skip ${skip}`));
    refused.forEach(line('no'));
    skipped.forEach(line('skipped'));
    if (refused.length === 0) writeLine(1, `ok  process ${pid} can be checkpointed`);
  }
  return refused.length === 0 ? 0 : 1;
}
