/** Where in a command line somebody stands who presses Tab. */
import { type CommandName, type HelpTopic, isCommandName, RUN_TOPIC, TOPICS } from '../help.ts';
import { type OptionName, optionSpec } from '../option-specs.ts';
import { followsProgram } from './table.ts';

export type Place =
  /** An option's name, or where there is an argument, that; `command` is undefined before PROGRAM. */
  | {
      readonly kind: 'argument';
      readonly command: CommandName | undefined;
      /** How many arguments of the command stand before it. */
      readonly index: number;
      /** Whether an option may stand here, and which have been given. */
      readonly options: readonly OptionName[];
      /** Whether `--` stands before it. */
      readonly ended: boolean;
    }
  /** The value of an option; `before` is what stands before it in the same word: `--format=`. */
  | { readonly kind: 'value'; readonly option: OptionName; readonly before: string }
  /** An argument of a program, whose name is the word of this index. */
  | { readonly kind: 'rest'; readonly program: number };

/** `words` stand behind the command's name; the last is the one that is being typed, and may be empty. */
export function placeOf(words: readonly string[]): Place {
  const typed = words.at(-1) ?? '';
  const given = new Set<OptionName>();
  let command: CommandName | undefined;
  let topic: HelpTopic = RUN_TOPIC;
  let [index, ended] = [0, false];
  let value: OptionName | undefined;
  for (const [at, word] of words.slice(0, -1).entries()) {
    if (value !== undefined) {
      value = undefined;
      continue;
    }
    const option = ended ? undefined : optionIn(word, topic.options);
    if (option !== undefined) {
      given.add(option.name);
      if (option.next(words[at + 1] ?? '', at + 2 === words.length)) value = option.name;
    } else if (!ended && word === '--') ended = true;
    else if (!ended && /^-./s.test(word)) continue;
    else if (!ended && command === undefined && isCommandName(word)) {
      command = word;
      topic = TOPICS[word];
      given.clear();
    } else if (followsProgram(command)) return { kind: 'rest', program: at };
    else {
      index++;
      ended ||= topic.optionsAnywhere !== true;
    }
  }
  if (value !== undefined) return { kind: 'value', option: value, before: '' };
  const [, name, before] = ended ? [] : (/^--([a-z0-9-]+)(=)/.exec(typed) ?? []);
  const option = topic.options.find((each) => each === name && optionSpec(each).kind !== 'flag');
  if (option !== undefined && before !== undefined) return { kind: 'value', option, before: `--${option}=` };
  const options = ended ? [] : topic.options.filter((each) => isList(each) || !given.has(each));
  return { kind: 'argument', command, index, options, ended };
}

const isList = (name: OptionName): boolean => optionSpec(name).kind === 'list';

/** The option that a word is; `next` says whether the next word is its value, which may be the one that is being typed. */
function optionIn(
  word: string,
  names: readonly OptionName[],
): { name: OptionName; next: (word: string, typed: boolean) => boolean } | undefined {
  const [, long, letter, attached] = /^(?:--([a-z0-9-]+)|-([a-zA-Z]))(.*)$/s.exec(word) ?? [];
  const name = names.find(
    (each) => each === long || (letter !== undefined && optionSpec(each).short === letter),
  );
  if (name === undefined) return undefined;
  const { kind, takes } = optionSpec(name);
  return {
    name,
    next(following, typed) {
      if (attached !== '' || kind === 'flag') return false;
      return kind !== 'optional' || (!typed && takes?.test(following) === true);
    },
  };
}
