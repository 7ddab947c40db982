/** Whom a program is sealed for, as the command line says it. */
import { readFileSync } from 'node:fs';
import { checkRecipient } from '../../loaders/age/seal.ts';
import type { ForeignError } from '../errors.ts';
import { toBytes } from './invocation.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign seal --help';
/** What others are added to these recipients, they would be as weak as: age(1) does not mix them either. */
const POST_QUANTUM = /^age1(pq|tagpq)1/;

interface Recipient {
  readonly text: string;
  /** For messages; names no line of a file, which might hold anything. */
  readonly where: string;
}

/** The recipients of `-r` and `-R`, each as it is written. Throws USAGE, which names the one that is wrong. */
export async function readRecipients(given: readonly string[], files: readonly string[]): Promise<string[]> {
  const recipients = [
    ...given.map((text) => ({ text, where: `the recipient '${shown(text)}'` })),
    ...files.flatMap(recipientsIn),
  ];
  for (const { text, where } of recipients) {
    if (/^age-secret-key-/i.test(text)) throw secretKey(where);
    await checkRecipient(text).catch(() => {
      throw usageError(`${where} is damaged, or is none: recipients begin with age1`, HELP);
    });
  }
  const texts = recipients.map(({ text }) => text);
  const strong = texts.filter((text) => POST_QUANTUM.test(text)).length;
  if (strong > 0 && strong < texts.length) {
    throw usageError('post-quantum recipients and others cannot be mixed: the weakest would count', HELP);
  }
  return texts;
}

/** One a line; empty lines and those that begin with # are comments. */
function recipientsIn(file: string): Recipient[] {
  const path = Buffer.from(toBytes(file));
  const name = path.toString();
  const found = readText(path, name)
    .split('\n')
    .map((line, index) => ({ text: line.trim(), where: `line ${index + 1} of ${name}` }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
  if (found.length === 0) throw usageError(`there is no recipient in ${name}`, HELP);
  return found;
}

function readText(path: Buffer, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw usageError(`${name} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, HELP);
  }
}

const secretKey = (where: string): ForeignError =>
  usageError(
    `${where.startsWith('the recipient') ? 'a recipient' : where} is a secret key`,
    'age-keygen -y shows the recipient that belongs to it',
  );

/** Post-quantum recipients are 2 KB long. */
const shown = (text: string): string => (text.length > 70 ? `${text.slice(0, 70)}...` : text);
