/** `run-foreign unseal`: takes the age layer off a program, and a `#!` line before it. */
import { basename } from 'node:path';
import { withoutArmor } from '../../loaders/age/armor.ts';
import { BEGIN_ARMOR, MAGIC } from '../../loaders/age/magic.ts';
import { openHeader, withUserKeys } from '../../loaders/age/open.ts';
import { unsealed } from '../../loaders/age/unseal.ts';
import { about, ForeignError } from '../errors.ts';
import { environmentValue } from '../launch/environment.ts';
import { keyDescriptors } from '../secrets/key-names.ts';
import { memorySource } from '../source/memory.ts';
import { DEFAULT_MAX_SIZE } from '../source/source.ts';
import { shortUsage, TOPICS } from './help.ts';
import { inputPieces, openInput } from './input-pieces.ts';
import { toBytes } from './invocation.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { checkOutput, writeOutput } from './output-file.ts';
import { progressLine } from './progress.ts';
import { lazySecrets } from './secrets.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign unseal --help';
/** BINPRM_BUF_SIZE: no `#!` line that the kernel reads is longer. */
const LONGEST_LINE = 256;
const NEWLINE = 0x0a;

/** It was confidential, and it is a program. */
const MODE = 0o700;

type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

export async function unseal(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  const [file] = rest;
  if (file === undefined) {
    write(2, shortUsage(TOPICS.unseal));
    return 2;
  }
  if (rest.length > 1) throw usageError('unseal takes one FILE', HELP);
  if (options.output === undefined) {
    throw usageError('unseal needs --output PROGRAM, or - for standard output', HELP);
  }
  const output = { path: toBytes(options.output), mode: MODE, replace: options.force };
  const keyFiles = (options.identity ?? []).map(toBytes);
  keyDescriptors(keyFiles, file);
  const input = openInput(file);
  checkOutput(output);
  const secrets = lazySecrets(keyFiles, environmentValue(envp, 'CREDENTIALS_DIRECTORY'));
  const progress = progressLine(basename(input.name));
  const pieces = inputPieces(input, 'unsealing', progress);
  await about(input.name, async () => {
    const start = await beginning(pieces, input.name, options.maxSize ?? DEFAULT_MAX_SIZE);
    const unlocking = withUserKeys(input.name, { secrets, progress });
    const opening = openHeader(memorySource(start, input.name), unlocking);
    const { payloadKey, payloadAt } = await opening.finally(() => secrets.wipe());
    const payload = following(start.subarray(payloadAt), pieces);
    await writeOutput(output, unsealed(payload, payloadAt, payloadKey));
  });
  return 0;
}

/** The first piece of the age file, with all of its header. Armor is read whole, since it is one piece to its reader. */
async function beginning(pieces: Pieces, name: string, maxSize: number): Promise<Uint8Array> {
  const piece = withoutLine((await pieces.next()).value ?? new Uint8Array(0));
  if (beginsWith(piece, MAGIC)) return piece;
  if (!beginsWith(piece, BEGIN_ARMOR)) {
    throw new ForeignError('UNKNOWN_FORMAT', 'is not sealed: it does not begin as age files do');
  }
  const text = [Buffer.from(piece)];
  let size = piece.length;
  for await (const more of pieces) {
    size += more.length;
    if (size > 2 * maxSize) break;
    text.push(Buffer.from(more));
  }
  const binary = await withoutArmor(memorySource(Buffer.concat(text), name), maxSize);
  return binary.read(0, binary.size);
}

async function* following(first: Uint8Array, others: Pieces): Pieces {
  yield first;
  yield* others;
}

/** A line before an age file starts some run-foreign, wherever that lies: nothing else could read it. */
function withoutLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(NEWLINE);
  if (!beginsWith(bytes, Buffer.from('#!')) || end < 0) return bytes;
  return bytes.subarray(end + 1);
}

function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return Buffer.from(start).equals(bytes.subarray(0, start.length));
}
