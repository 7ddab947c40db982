/** `run-foreign explain`: what an error code or an exit status means, and what can be done about it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ERROR_CODES, type ErrorCode, exitStatus, printable } from '../errors.ts';
import type { Explanation } from './explanations/explanation.ts';
import { EXPLANATIONS } from './explanations/index.ts';
import { STATUS_MEANINGS } from './help.ts';
import { didYouMean } from './nearest.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { self } from './self.ts';
import { COLUMNS, columns, jsonText, wrap } from './text.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign explain --help';
/** The longest status that a process can end with. */
const STATUS = /^\d{1,3}$/;
const MOST = 255;
/** What shells add to the number of a signal. */
const SIGNALS = 128;

export async function explain({ options, rest }: ParsedArguments): Promise<number> {
  if (rest.length > 1) throw usageError('explain takes one ERROR_CODE or exit status', HELP);
  const [word] = rest.map((each) => Buffer.from(each).toString());
  const answer =
    word === undefined ? listed(ERROR_CODES) : STATUS.test(word) ? status(Number(word)) : code(word);
  write(1, options.json ? jsonText(answer.document) : `${answer.lines.join('\n')}\n`);
  return 0;
}

interface Answer {
  readonly document: unknown;
  readonly lines: readonly string[];
}

function listed(codes: readonly ErrorCode[]): Answer {
  const widest = Math.max(...codes.map((each) => each.length));
  return {
    document: codes.map((each) => ({
      code: each,
      exitStatus: exitStatus(each),
      summary: EXPLANATIONS[each].summary,
    })),
    lines: codes.flatMap((each) =>
      columns(
        `${each.padEnd(widest)}  ${exitStatus(each).toString().padStart(3)}`,
        EXPLANATIONS[each].summary,
        0,
        widest + 7,
      ),
    ),
  };
}

function status(number: number): Answer {
  const meaning = STATUS_MEANINGS.get(number);
  if (meaning === undefined) {
    if (number > MOST)
      throw usageError(`no process ends with ${number}; the greatest status is ${MOST}`, HELP);
    const signal =
      number > SIGNALS ? `, as shells give it where signal ${number - SIGNALS} has ended it` : '';
    const own = `is the program's own exit status${signal}; those of run-foreign are ${[...STATUS_MEANINGS.keys()].join(', ')}`;
    return {
      document: { exitStatus: number, meaning: own, codes: [] },
      lines: wrap(`${number} ${own}`, COLUMNS),
    };
  }
  const list = listed(ERROR_CODES.filter((each) => exitStatus(each) === number));
  return {
    document: { exitStatus: number, meaning, codes: list.document },
    lines: [
      ...wrap(
        `${number}: ${meaning}. A program may end with it, too; then run-foreign has said nothing.`,
        COLUMNS,
      ),
      '',
      ...list.lines,
    ],
  };
}

function code(word: string): Answer {
  const wanted = word.trim().toUpperCase().replace(/[- ]/g, '_');
  const found = ERROR_CODES.find((each) => each === wanted);
  if (found === undefined) {
    const hint = didYouMean(wanted, ERROR_CODES) ?? 'run-foreign explain lists them';
    throw usageError(`there is no error code '${printable(word)}'`, hint);
  }
  const explanation = EXPLANATIONS[found];
  return {
    document: { code: found, exitStatus: exitStatus(found), ...explanation },
    lines: explanationLines(found, explanation),
  };
}

function explanationLines(
  found: ErrorCode,
  { summary, meaning, causes, example, reading }: Explanation,
): string[] {
  const number = exitStatus(found);
  return [
    `${found}: ${summary}`,
    `Exit status ${number}: ${STATUS_MEANINGS.get(number)}.`,
    '',
    ...wrap(meaning, COLUMNS),
    '',
    'Why, and what to do:',
    ...causes.flatMap(({ when, remedy, command }) => [
      '',
      ...columns('', `${when}:`, 0, 2),
      ...columns('', remedy, 0, 4),
      ...(command === undefined ? [] : [`        ${command}`]),
    ]),
    '',
    'For example:',
    '',
    ...[...(example.prepare ?? []), example.command].map((each) => `    $ ${each}`),
    `    ${example.message}`,
    '',
    'Read on:',
    ...reading.map((each) => `    ${pagePath(each)}`),
  ];
}

/** Where a page lies on this machine, if it does. */
function pagePath(page: string): string {
  const [file = '', section] = page.split('#');
  const command = self();
  const path = command === undefined ? '' : join(dirname(dirname(command)), 'docs', file);
  const shown = existsSync(path) ? path : join('docs', file);
  return section === undefined ? shown : `${shown}, section "${section.replaceAll('-', ' ')}"`;
}
