/**
 * What the kernel is to start: the launcher's other file. Everybody's programs come to it, with everybody's environment, so it
 * must be where it stays, where everybody can start it, and where nobody else can put something in its place.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { BINFMT_SUFFIX, USUAL_PLACES } from '../../launcher/protocol.ts';
import { whoElseWrites } from '../../plugins/private-path.ts';
import { self } from '../self.ts';
import { isPlainPath } from './register-line.ts';

/** What stands against an interpreter, and what to do about it. */
export interface Doubt {
  readonly what: string;
  readonly advice: string;
}

/** `/…/node_modules/.pnpm/run-foreign@1.0.0/node_modules/run-foreign/…`: the version in it changes. */
const PNPM = /^(.*\/node_modules)\/\.pnpm\/[^/]+\/node_modules\/(.*)$/s;
/** Places that go away by themselves. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\/_npx\//, "lies in npx's cache, which may be emptied at any time"],
  [/\/\.nvm\/versions\//, 'lies below a version of Node that nvm takes away with it'],
];
/** Beside it. */
const CODE = ['run-foreign.cjs', 'command.cjs', 'command.cache', 'further.cjs', 'further.cache'];
const READ_BY_OTHERS = 0o004;
const SEARCHED_BY_OTHERS = 0o001;
const OLDEST_NODE = [20, 19];

/** Our own, by the name that an update leaves. Throws INTERNAL where there is none. */
export function ownInterpreter(): string {
  const command = self();
  const path = command === undefined ? undefined : steady(command + BINFMT_SUFFIX);
  if (path !== undefined && existsSync(path)) return checkedPath(path);
  throw new ForeignError(
    'INTERNAL',
    `its part for binfmt_misc, run-foreign${BINFMT_SUFFIX}, is not beside it`,
    {
      hint: 'install the whole package',
    },
  );
}

function steady(path: string): string {
  const [, modules, rest] = PNPM.exec(path) ?? [];
  const shorter = modules === undefined || rest === undefined ? path : join(modules, rest);
  return shorter !== path && existsSync(shorter) && realpathSync(shorter) === path ? shorter : path;
}

/** A path that can be registered at all. Throws USAGE. */
export function checkedPath(path: string): string {
  if (!isOwnInterpreter(path))
    throw new ForeignError('USAGE', `--interpreter takes the absolute path of run-foreign${BINFMT_SUFFIX}`, {
      subject: path,
    });
  if (isPlainPath(path)) return path;
  throw new ForeignError(
    'USAGE',
    'the interpreter has characters in its path that binfmt_misc cannot be told',
    {
      subject: path,
      hint: 'install run-foreign where there are none',
    },
  );
}

/** Whether an absolute path names what we are for binfmt_misc, wherever that is installed. */
export const isOwnInterpreter = (path: string): boolean =>
  path.startsWith('/') && path.endsWith(`/run-foreign${BINFMT_SUFFIX}`);

/** Everything that makes an entry for it doubtful on this machine. Throws USAGE for what cannot be started. */
export function interpreterDoubts(path: string): Doubt[] {
  if (attempt(() => accessSync(path, constants.X_OK) === undefined) !== true || !statSync(path).isFile())
    throw new ForeignError('USAGE', 'the interpreter is not there, or cannot be executed', { subject: path });
  const writer = codeOf(path)
    .map((each) => attempt(() => whoElseWrites(each)))
    .find((each) => each !== undefined);
  const passing = PASSING.find(([place]) => place.test(path))?.[1];
  const closed = closedTo(path);
  const node = nodeDoubt();
  const elsewhere = 'install it for all: npm install -g run-foreign, as root';
  return [
    ...(writer === undefined
      ? []
      : [
          {
            what: `${writer}: whoever it is could run code as everybody who starts such a program`,
            advice: elsewhere,
          },
        ]),
    ...(passing === undefined ? [] : [{ what: `${path} ${passing}`, advice: elsewhere }]),
    ...(closed === undefined ? [] : [{ what: `${closed} is closed to other users`, advice: elsewhere }]),
    ...(node === undefined ? [] : [node]),
  ];
}

/** What starts with it, of what is there: whoever could write one of them could as well write all. */
const codeOf = (path: string): string[] =>
  [path, ...CODE.map((name) => join(dirname(path), name))].filter(existsSync);

/** The file, or the directory above it, that other users cannot get through. */
function closedTo(path: string): string | undefined {
  const needed = READ_BY_OTHERS | SEARCHED_BY_OTHERS;
  if ((statSync(path).mode & needed) !== needed) return path;
  const unreadable = codeOf(path).find((each) => (statSync(each).mode & READ_BY_OTHERS) === 0);
  if (unreadable !== undefined) return unreadable;
  for (let directory = dirname(realpathSync(path)); directory !== '/'; directory = dirname(directory))
    if ((statSync(directory).mode & SEARCHED_BY_OTHERS) === 0) return directory;
  return undefined;
}

/** The kernel hands on whatever environment there is: without a PATH, Node must be in one of the usual places. */
function nodeDoubt(): Doubt | undefined {
  const places = USUAL_PLACES.split(':').map((directory) => join(directory, 'node'));
  const node = places.find((path) => attempt(() => accessSync(path, constants.X_OK) === undefined) === true);
  const advice = `ln -s ${process.execPath} /usr/local/bin/node, if everybody may run that one`;
  if (node === undefined)
    return {
      what: `there is no node in ${USUAL_PLACES.replaceAll(':', ', ')}, and a PATH need not have one`,
      advice,
    };
  const version = attempt(() => execFileSync(node, ['--version'], { encoding: 'latin1' }))?.trim() ?? '';
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldest = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return undefined;
  return { what: `${node} is ${version || 'no Node'}, and ${OLDEST_NODE.join('.')} is needed`, advice };
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
