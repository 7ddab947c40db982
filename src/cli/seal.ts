/** `run-foreign seal`: a program becomes a file that only those can run, or look into, for whom it was sealed. */

import { type SealFor, sealed, sealHeader } from '../../loaders/age/seal.ts';
import { builtinLoaders } from '../../loaders/index.ts';
import { parseLine } from '../../loaders/script/line.ts';
import { printable } from '../errors.ts';
import { environmentValue } from '../launch/prepare.ts';
import { seclude } from '../native/seclude.ts';
import { memorySource } from '../source/memory.ts';
import { shortUsage, TOPICS } from './help.ts';
import { type Input, inputPieces, openInput } from './input-pieces.ts';
import { toBytes } from './invocation.ts';
import { type Options, type ParsedArguments, usageError } from './options.ts';
import { write, writeLine } from './output.ts';
import { checkOutput, writeOutput } from './output-file.ts';
import { ownLine } from './own-line.ts';
import { readRecipients } from './recipients.ts';
import { self } from './self.ts';

const HELP = 'see run-foreign seal --help';

export async function seal({ options, rest }: ParsedArguments, envp: readonly Uint8Array[]): Promise<number> {
  const [program] = rest;
  if (program === undefined) {
    write(2, shortUsage(TOPICS.seal));
    return 2;
  }
  if (rest.length > 1) throw usageError('seal takes one PROGRAM', HELP);
  if (options.output === undefined)
    throw usageError('seal needs --output FILE, or - for standard output', HELP);
  const path = Buffer.from(environmentValue(envp, 'PATH') ?? '').toString();
  const line = options.executable ? ownLine(self(), path) : '';
  const output = { path: toBytes(options.output), mode: line === '' ? 0o644 : 0o755, replace: options.force };
  const input = openInput(program);
  checkOutput(output);
  const sealFor = await sealForOf(options);
  seclude();
  const header = await sealHeader(sealFor);
  const pieces = inputPieces(input, 'sealing', () => {});
  await writeOutput(output, behindLine(line, sealed(warned(pieces, input), header)));
  return 0;
}

async function sealForOf({ recipients, recipientsFiles, passphrase }: Options): Promise<SealFor> {
  const named = recipients.length + recipientsFiles.length > 0;
  if (passphrase && named)
    throw usageError('a program is sealed for recipients or with --passphrase, not both', HELP);
  if (passphrase) throw usageError('not yet');
  if (!named) throw usageError('seal needs a --recipient, or nobody could open it', HELP);
  return { recipients: await readRecipients(recipients, recipientsFiles) };
}

async function* behindLine(
  line: string,
  file: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(line);
  yield* file;
}

/** Hands everything on, and says so if it begins like nothing that can be run: a wrong file would be noticed late. */
async function* warned(
  pieces: AsyncIterable<Uint8Array>,
  { name }: Input,
): AsyncGenerator<Uint8Array, void, undefined> {
  let first = true;
  for await (const piece of pieces) {
    const why = first ? await doubt(piece, name) : undefined;
    if (why !== undefined) writeLine(2, printable(`run-foreign: ${name}: warning: ${why}`));
    first = false;
    yield piece;
  }
}

/** Why a file that begins like this could not be run when it is sealed. */
async function doubt(start: Uint8Array, name: string): Promise<string | undefined> {
  const source = memorySource(start, name);
  const verdicts = await Promise.all(builtinLoaders.map((loader) => loader.probe(source)));
  if (verdicts.every((verdict) => verdict === null)) return 'is in no format that run-foreign can run';
  const line = start[0] === 0x23 && start[1] === 0x21 ? parseLine(start) : undefined;
  if (line === undefined || line.commands.some((command) => /(^|\/)run-foreign$/.test(String(command))))
    return undefined;
  return 'is a script, whose interpreter cannot read it when it is sealed';
}
