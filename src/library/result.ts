/** How a child ended, and what it wrote: in the shape that users of execa know. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { shellWord } from '../shell-word.ts';
import type { ResultWishes } from './foreign-result.ts';
import { type Failure, ForeignProcessError, signalDescription } from './result-error.ts';
import type { End } from './watch-end.ts';

const DEFAULT_MAX_BUFFER = 100_000_000;

/** Collects from now on, and waits for the end. */
export async function resultOf(
  child: ChildProcess,
  command: readonly string[],
  options: ResultWishes & Pick<SpawnOptions, 'cwd' | 'killSignal' | 'signal'>,
  end: End,
): Promise<unknown> {
  const { maxBuffer = DEFAULT_MAX_BUFFER, killSignal, cwd } = options;
  let overflow: Failure['overflow'];
  let cause: unknown;
  const collect = (stream: 'stdout' | 'stderr') =>
    collected(child[stream], maxBuffer, () => {
      overflow ??= { stream, maxBuffer };
      child.kill(killSignal);
    });
  const streams = [collect('stdout'), collect('stderr')];
  child.on('error', (error) => {
    cause ??= error;
  });
  if (!end.closed) await new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = streams.map((pieces) => pieces && outputOf(pieces, options));
  const signal = child.signalCode ?? undefined;
  const exitCode = child.exitCode ?? undefined;
  const result = {
    command: command.join(' '),
    escapedCommand: command.map(shellWord).join(' '),
    cwd: cwd === undefined ? process.cwd() : cwd instanceof URL ? fileURLToPath(cwd) : cwd,
    pid: child.pid ?? 0,
    durationMs: (end.ended ?? performance.now()) - end.started,
    timedOut: end.timedOut,
    isCanceled: end.isCanceled,
    isMaxBuffer: overflow !== undefined,
    isTerminated: signal !== undefined,
    exitCode,
    signal,
    signalDescription: signal && signalDescription(signal),
    stdout,
    stderr,
  };
  const failed =
    exitCode !== 0 || end.timedOut || end.isCanceled || overflow !== undefined || cause !== undefined;
  if (!failed) return { ...result, failed };
  const error = new ForeignProcessError({ ...result, failed }, { cause, overflow });
  if (options.reject === false) return error;
  throw error;
}

/** The pieces as they come, at most `most` bytes of them. Undefined where there is no such stream. */
function collected(stream: Readable | null, most: number, onMore: () => void): Buffer[] | undefined {
  if (stream === null) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer | string) => {
    const piece = Buffer.from(chunk as string);
    const fits = Math.min(piece.length, most - size);
    if (fits > 0) pieces.push(piece.subarray(0, fits));
    size += fits;
    if (fits < piece.length) onMore();
  });
  return pieces;
}

function outputOf(
  pieces: readonly Buffer[],
  { encoding = 'utf8', stripFinalNewline = true }: ResultWishes,
): string | Buffer {
  const bytes = Buffer.concat(pieces);
  const end = stripFinalNewline && encoding === 'utf8' ? withoutNewline(bytes) : bytes;
  return encoding === 'buffer' ? end : end.toString();
}

function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
