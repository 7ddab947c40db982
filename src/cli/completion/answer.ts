/**
 * What the scripts of the shells are told. The first line says what the shell has to add, and what of the word stands before what
 * is completed; each other line is a candidate, and behind a tab what it is:
 *
 *     words|files|directories|program TAB BEFORE
 *     rest TAB INDEX       from the word of this index on it is another program's command line
 */
import { optionSpec } from '../option-specs.ts';
import { type Candidate, programs } from './candidates.ts';
import { placeOf } from './place.ts';
import { argumentOf, commandNames, valuesFor, type What } from './table.ts';

/** What is shown of what something is. */
const LONGEST_ABOUT = 70;

/** `words` stand behind the command's name, and the last is being typed. */
export function answer(words: readonly string[]): string {
  const typed = words.at(-1) ?? '';
  // `help` is in no table of commands, for it has no options.
  if (words[0] === 'help' && words.length > 1) {
    const names = words.length === 2 ? commandNames(typed) : [];
    return answerText(
      'words',
      '',
      names.filter(({ value }) => value.startsWith(typed)),
    );
  }
  const place = placeOf(words);
  if (place.kind === 'rest') return `rest\t${place.program}\n`;
  if (place.kind === 'value') {
    return listing(valuesFor(place.option), typed.slice(place.before.length), place.before, []);
  }
  const { command, index, options, ended } = place;
  const what = command === undefined ? 'program' : argumentOf(command, index);
  const others = command === undefined && !ended ? commandNames(typed) : [];
  if (!typed.startsWith('-') || ended) {
    const listed = listing(what, typed, '', others);
    if (what !== 'nothing' || index > 0 || typed !== '') return listed;
  }
  const names = options.map((name) => ({ value: `--${name}`, about: optionSpec(name).help }));
  return answerText(
    'words',
    '',
    names.filter(({ value }) => value.startsWith(typed)),
  );
}

function listing(what: What, typed: string, before: string, others: readonly Candidate[]): string {
  const listed = what === 'program' ? programs(typed) : typeof what === 'function' ? what(typed) : [];
  const candidates = [...others, ...listed].filter(({ value }) => value.startsWith(typed));
  return answerText(typeof what === 'function' || what === 'nothing' ? 'words' : what, before, candidates);
}

function answerText(kind: string, before: string, candidates: readonly Candidate[]): string {
  const lines = candidates
    // A line could not hold them.
    .filter(({ value }) => !/\p{Cc}/u.test(value))
    .map(({ value, about }) => (about === undefined ? value : `${value}\t${brief(about)}`));
  return `${[`${kind}\t${before}`, ...lines].join('\n')}\n`;
}

/** The first part of a sentence, on one line. */
function brief(about: string): string {
  const [first = ''] = about.split(/; |(?<=[a-z)])\.(?: |$)/);
  const plain = first.replace(/\p{Cc}/gu, '?');
  return plain.length > LONGEST_ABOUT ? `${plain.slice(0, LONGEST_ABOUT - 3)}...` : plain;
}
