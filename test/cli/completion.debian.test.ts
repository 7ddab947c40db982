/**
 * Tab in real shells, on a terminal that tmux keeps: people type, press Tab, and look. Keys that follow Tab are read when the shell
 * has completed, so a mark behind it shows what became of the line, a blank included.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND, NODE_PATH, ROOT, temporary } from '../support/run.ts';
import { Pane } from '../support/tmux.ts';

const directory = temporary();
const work = join(directory.path, 'work');
const home = join(directory.path, 'home');
mkdirSync(home);
for (const name of [
  'words.txt',
  'my keys.txt',
  'größe.txt',
  "it's",
  'colon:name.txt',
  'eq=ual.txt',
  '--dashed',
])
  directory.file(`work/${name}`, '', 0o644);
directory.file('work/tally', '');
directory.file('work/sub dir/deep', '');
directory.file('bin/zz-program', '#!/bin/sh\n');
directory.file('bin/zz-no-program', '', 0o644);

/** Somebody to be checkpointed. */
let sleeper: ChildProcess;
beforeAll(() => {
  sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' });
});
afterAll(() => {
  sleeper.kill();
  directory.remove();
});

const env = {
  PATH: `${join(directory.path, 'bin')}:${dirname(COMMAND)}:${NODE_PATH}`,
  HOME: home,
  LC_ALL: 'C.UTF-8',
  TERM: 'xterm',
  SHELL: '/bin/sh',
};

const completion = (name: string) => readFileSync(join(ROOT, 'dist/completion', name));
/** Files of the shells: what is read first, and what only stands where packages put it. */
const at = (name: string) => join(home, name);
const bashrc = (name: string, ...lines: string[]) => {
  directory.file(`home/${name}`, ["PS1='$ '", ...lines].join('\n'));
  return ['bash', '--noprofile', '--rcfile', at(name), '-i'];
};
const zshrc = (name: string, ...lines: string[]) => {
  const prompt = "PROMPT='$ '\nunsetopt beep";
  directory.file(`home/${name}/.zshrc`, [prompt, ...lines].join('\n'));
  return ['env', `ZDOTDIR=${at(name)}`, 'zsh', '-d', '-i'];
};
const config = (name: string, ...lines: string[]) => {
  const prompt = "function fish_prompt; echo '$ '; end\nset fish_autosuggestion_enabled 0";
  directory.file(`home/${name}`, [prompt, ...lines].join('\n'));
  return ['fish', '--no-config', '--init-command', `source ${at(name)}`];
};

const BASH_COMPLETION = '. /usr/share/bash-completion/bash_completion';
const BASH = [
  BASH_COMPLETION,
  'source <(run-foreign completion bash)',
  "complete -W 'alpha beta' zz-program",
];
const SHELLS = {
  bash: bashrc('bashrc', ...BASH),
  'bash, where = and : split no words': bashrc('breaks', ...BASH, `COMP_WORDBREAKS=$'\\t\\n"\\'><;|&( '`),
  zsh: zshrc(
    'zsh',
    'autoload -U compinit; compinit -u -D',
    'source <(run-foreign completion zsh)',
    "compdef 'compadd alpha beta' zz-program",
  ),
  fish: config('fish', 'run-foreign completion fish | source', "complete -c zz-program -f -a 'alpha beta'"),
};

directory.file('home/.local/share/bash-completion/completions/run-foreign', completion('run-foreign.bash'));
directory.file('home/functions/_run-foreign', completion('_run-foreign'));
directory.file('home/vendor/run-foreign.fish', completion('run-foreign.fish'));
const INSTALLED = {
  'bash, alone': bashrc('alone', 'source <(run-foreign completion bash)'),
  'bash-completion, by itself': bashrc('installed', BASH_COMPLETION),
  'zsh, from $fpath': zshrc(
    'fpath',
    `fpath=(${at('functions')} $fpath)`,
    'autoload -U compinit; compinit -u -D',
  ),
  'fish, from its directory': config('path', `set -p fish_complete_path ${at('vendor')}`),
};

/** No letter that zsh takes a blank away for. */
const MARK = '%';

/** What is typed before Tab, and what stands there then. */
const UNIQUE: readonly (readonly [string, string])[] = [
  ['run-foreign inspe', 'run-foreign inspect '],
  ['run-foreign --form', 'run-foreign --format '],
  ['run-foreign plan --js', 'run-foreign plan --json '],
  ['run-foreign help unse', 'run-foreign help unseal '],
  ['run-foreign --format ao', 'run-foreign --format aout '],
  ['run-foreign --format=ao', 'run-foreign --format=aout '],
  ['run-foreign --stdio rec', 'run-foreign --stdio recorded '],
  ['run-foreign --stdio=rec', 'run-foreign --stdio=recorded '],
  ['run-foreign --verbose --skip io_', 'run-foreign --verbose --skip io_uring '],
  ['run-foreign checkpoint 1 --compr', 'run-foreign checkpoint 1 --compress '],
  ['run-foreign --loader-opt flat.ba', 'run-foreign --loader-opt flat.base='],
  ['run-foreign --loader-opt flat.arch=i', 'run-foreign --loader-opt flat.arch=i386 '],
  ['run-foreign --loader-opt=flat.arch=i', 'run-foreign --loader-opt=flat.arch=i386 '],
  ['run-foreign --env LC_A', 'run-foreign --env LC_ALL='],
  ['run-foreign --unset-env=LC_A', 'run-foreign --unset-env=LC_ALL '],
  ['run-foreign completion fi', 'run-foreign completion fish '],
  // Files.
  ['run-foreign --stdin wor', 'run-foreign --stdin words.txt '],
  ['run-foreign --stdin=wor', 'run-foreign --stdin=words.txt '],
  ['run-foreign plan --json --stdin wor', 'run-foreign plan --json --stdin words.txt '],
  ['run-foreign -i my', 'run-foreign -i my\\ keys.txt '],
  ['run-foreign -i "my', 'run-foreign -i "my keys.txt" '],
  ["run-foreign --identity 'my", "run-foreign --identity 'my keys.txt' "],
  ['run-foreign -i grö', 'run-foreign -i größe.txt '],
  ['run-foreign --identity=grö', 'run-foreign --identity=größe.txt '],
  ['run-foreign -i it', "run-foreign -i it\\'s "],
  ['run-foreign seal sub', 'run-foreign seal sub\\ dir/'],
  ['run-foreign seal sub\\ dir/d', 'run-foreign seal sub\\ dir/deep '],
  ['run-foreign unseal ./--d', 'run-foreign unseal ./--dashed '],
  // PROGRAM, and what follows it.
  ['run-foreign tal', 'run-foreign tally '],
  ['run-foreign ./tal', 'run-foreign ./tally '],
  ['run-foreign zz-p', 'run-foreign zz-program '],
  ['run-foreign -- zz-p', 'run-foreign -- zz-program '],
  ['run-foreign inspect zz-p', 'run-foreign inspect zz-program '],
  ['run-foreign -- --da', 'run-foreign -- --dashed '],
  ['run-foreign tally wor', 'run-foreign tally words.txt '],
  ['run-foreign zz-program al', 'run-foreign zz-program alpha '],
  [
    'run-foreign --env=A=b --stdin words.txt -i "my keys.txt" zz-program be',
    'run-foreign --env=A=b --stdin words.txt -i "my keys.txt" zz-program beta ',
  ],
  ['run-foreign plan --json zz-program alpha be', 'run-foreign plan --json zz-program alpha beta '],
  // What nobody knows stays as it is, and no file gets in.
  ['run-foreign --stdio wor', 'run-foreign --stdio wor'],
  ['run-foreign --format=wor', 'run-foreign --format=wor'],
  ['run-foreign --sha256 wor', 'run-foreign --sha256 wor'],
  ['run-foreign zz-no', 'run-foreign zz-no'],
  ['run-foreign check wor', 'run-foreign check wor'],
];

/** What is listed when there is more than one, and something of what it is in shells that say so. */
const LISTS: readonly (readonly [typed: string, names: readonly string[], about: string])[] = [
  ['run-foreign --stdi', ['--stdin', '--stdio'], 'standard input'],
  ['run-foreign check', ['check', 'checkpoint'], 'Tries what this machine allows'],
  ['run-foreign --format=a', ['aout', 'ape'], 'OMAGIC'],
  ['run-foreign checkpoint --s', ['--stop', '--skip', '--seal'], 'SIGSTOP'],
];

/** The files of a shell and a terminal for it, for the tests of a group. */
function onTerminal(name: string, command: readonly string[]) {
  let pane: Pane;
  beforeAll(async () => {
    const socket = join(directory.path, `${name.replaceAll(/\W/g, '')}.tmux`);
    pane = await Pane.open(socket, command, { env, cwd: work });
    await pane.until((lines) => (lines[0] === '$' ? true : undefined), 'prompt');
  });
  afterAll(() => pane.close());
  return {
    async typeAfresh(text: string): Promise<Pane> {
      await pane.press('C-e', 'C-u', 'C-l');
      const fresh = (lines: readonly string[]) => lines.join('') === '$';
      await pane.until((lines) => (fresh(lines) ? true : undefined), 'fresh prompt');
      await pane.type(text);
      return pane;
    },
    /** What becomes of a line, with the mark behind it. */
    async completed(text: string): Promise<string> {
      const pane = await this.typeAfresh(text);
      await pane.press('Tab');
      await pane.type(MARK);
      const marked = (line: string) => line.startsWith('$') && line.endsWith(MARK);
      return pane.until((lines) => lines.findLast(marked), 'mark');
    },
  };
}

describe.each(Object.entries(SHELLS))('%s', (name, command) => {
  const terminal = onTerminal(name, command);

  test.each(UNIQUE)('%s', async (typed, expected) => {
    expect(await terminal.completed(typed)).toBe(`$ ${expected}${MARK}`);
  });

  test.each(LISTS)('%s: a list', async (typed, names, about) => {
    const pane = await terminal.typeAfresh(typed);
    await pane.press('Tab', 'Tab');
    const wanted = name.startsWith('bash') ? names : [...names, about];
    await pane.until((lines) => {
      const below = lines.slice(1).join('\n');
      return wanted.every((each) => below.includes(each)) ? true : undefined;
    }, wanted.join(', '));
  });

  test('the number of a process', async () => {
    const typed = `run-foreign checkpoint ${sleeper.pid}`;
    expect(await terminal.completed(typed)).toBe(`$ ${typed} ${MARK}`);
  });

  test('in the middle of a line', async () => {
    const pane = await terminal.typeAfresh('run-foreign --form /bin/true');
    await pane.press(...Array.from({ length: ' /bin/true'.length }, () => 'Left'), 'Tab');
    await pane.type(MARK);
    const line = await pane.until((lines) => lines.find((each) => each.includes(MARK)), 'mark');
    expect(line).toMatch(/^\$ run-foreign --format ?% ?\/bin\/true$/);
  });
});

describe.each(Object.entries(INSTALLED))('%s', (name, command) => {
  const terminal = onTerminal(name, command);

  test.each([
    ['run-foreign inspe', 'run-foreign inspect '],
    ['run-foreign --format=ao', 'run-foreign --format=aout '],
    ['run-foreign --stdin=wor', 'run-foreign --stdin=words.txt '],
    ['run-foreign tally wor', 'run-foreign tally words.txt '],
  ])('%s', async (typed, expected) => {
    expect(await terminal.completed(typed)).toBe(`$ ${expected}${MARK}`);
  });
});
