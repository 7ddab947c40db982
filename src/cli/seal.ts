/** `run-foreign seal`: a program becomes a file that only those can run, or look into, for whom it was sealed. */
import { basename } from 'node:path';
import { MAX_HEADER_SIZE } from '../../loaders/age/header.ts';
import { type SealHeader, sealed, sealHeader } from '../../loaders/age/seal.ts';
import { armored } from '../../loaders/age/to-armor.ts';
import { builtinLoaders } from '../../loaders/index.ts';
import { parseLine } from '../../loaders/script/line.ts';
import { ForeignError, printable } from '../errors.ts';
import { environmentValue } from '../launch/environment.ts';
import { seclude } from '../native/seclude.ts';
import { memorySource } from '../source/memory.ts';
import { shortUsage, TOPICS } from './help.ts';
import { type Input, inputPieces, openInput } from './input-pieces.ts';
import { toBytes } from './invocation.ts';
import type { Options } from './option-values.ts';
import type { ParsedArguments } from './options.ts';
import { write, writeLine } from './output.ts';
import { checkOutput, writeOutput } from './output-file.ts';
import { ownLine } from './own-line.ts';
import { progressLine } from './progress.ts';
import { readRecipients } from './recipients.ts';
import { lazySecrets } from './secrets.ts';
import { self } from './self.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign seal --help';

export async function seal({ options, rest }: ParsedArguments, envp: readonly Uint8Array[]): Promise<number> {
  const [program] = rest;
  if (program === undefined) {
    write(2, shortUsage(TOPICS.seal));
    return 2;
  }
  if (rest.length > 1) throw usageError('seal takes one PROGRAM', HELP);
  if (options.output === undefined) {
    throw usageError('seal needs --output FILE, or - for standard output', HELP);
  }
  const path = Buffer.from(environmentValue(envp, 'PATH') ?? '').toString();
  const line = options.executable ? ownLine(self(), path) : '';
  const output = { path: toBytes(options.output), mode: line === '' ? 0o644 : 0o755, replace: options.force };
  const input = openInput(program);
  checkOutput(output);
  seclude();
  const header = await newHeader(options, input.name);
  const progress = progressLine(basename(input.name));
  const file = sealed(warned(inputPieces(input, 'sealing', progress), input), header);
  await writeOutput(output, behindLine(line, options.armor ? armored(file) : file));
  return 0;
}

async function newHeader(
  { recipients, recipientsFiles, passphrase }: Options,
  name: string,
): Promise<SealHeader> {
  const named = recipients.length + recipientsFiles.length > 0;
  if (passphrase && named) {
    throw usageError('a program is sealed for recipients or with --passphrase, not both', HELP);
  }
  if (passphrase) return headerWithPassphrase(name);
  if (!named) throw usageError('seal needs a --recipient, or nobody could open it', HELP);
  const header = await sealHeader({ recipients: await readRecipients(recipients, recipientsFiles) });
  if (header.bytes.length <= MAX_HEADER_SIZE) return header;
  throw usageError(`more recipients than fit a header of ${MAX_HEADER_SIZE / 1024} KiB`, HELP);
}

/** Asked for twice, since what is typed is not shown. */
async function headerWithPassphrase(name: string): Promise<SealHeader> {
  const terminal = lazySecrets([], undefined);
  const passphrase = await terminal.passphrase(name);
  const again = await terminal.passphrase(`${name}, again`);
  try {
    if (Buffer.compare(passphrase, again) !== 0) {
      throw new ForeignError('KEY_NEEDED', 'was not sealed: the two passphrases differ', { subject: name });
    }
    if (passphrase.length === 0) {
      throw new ForeignError('KEY_NEEDED', 'was not sealed: the passphrase is empty', { subject: name });
    }
    return await sealHeader({ passphrase });
  } finally {
    passphrase.fill(0);
    again.fill(0);
  }
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
  const verdicts = await Promise.all(builtinLoaders.map((loader) => loader.probe(source, { options: {} })));
  if (verdicts.every((verdict) => verdict === null)) return 'is in no format that run-foreign can run';
  const line = start[0] === 0x23 && start[1] === 0x21 ? parseLine(start) : undefined;
  if (line === undefined || line.commands.some((command) => /(^|\/)run-foreign$/.test(String(command))))
    return undefined;
  return 'is a script, whose interpreter cannot read it when it is sealed';
}
