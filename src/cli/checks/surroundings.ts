/** What run-foreign itself finds around it: the kernel's registry of formats, its own cache, the library it calls libc through. */
import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { launched } from '../../launch/launched.ts';
import { koffiVersion } from '../../native/koffi.ts';
import { readNumber, readText } from '../../native/proc.ts';
import { userDirectory } from '../../plugins/user-directory.ts';
import { shellWord } from '../../shell-word.ts';
import { existingPart, startsDirectory, startsDoubt } from '../keep-start.ts';
import { self } from '../self.ts';
import { type Answer, asRoot, type Check, no, setSysctl, yes } from './machine-check.ts';

export const SURROUNDINGS: Readonly<Record<string, Check>> = {
  'binfmt-misc': {
    title: 'binfmt_misc',
    neededFor: ['binfmt'],
    tries: 'the status of the file system is read: the kernel can be told to start foreign programs',
    ask: binfmt,
  },
  'start-cache': {
    title: 'kept starts',
    neededFor: ['run'],
    tries:
      'a file without a name is made in the directory, and must be executable: a second start does without Node',
    ask: startCache,
  },
  koffi: {
    title: 'calls of libc',
    neededFor: ['age', 'checkpoint', 'duplicate', 'check'],
    tries: 'the C library is called',
    ask: koffi,
  },
};

const BINFMT = '/proc/sys/fs/binfmt_misc';

function binfmt(): Answer {
  const status = readText(join(BINFMT, 'status'))?.trim();
  if (status === 'enabled') return yes(`mounted at ${BINFMT}, and enabled`);
  const lost = 'the kernel cannot be told to start foreign programs by itself; run-foreign PROGRAM does';
  if (status !== undefined) {
    const command = process.geteuid?.() === 0 ? 'tee' : 'sudo tee';
    return no(`mounted at ${BINFMT}, and ${status}`, lost, `echo 1 | ${command} ${BINFMT}/status`);
  }
  const mount = asRoot(`mount -t binfmt_misc binfmt_misc ${BINFMT}`);
  if (/\tbinfmt_misc$/m.test(readText('/proc/filesystems') ?? '')) return no('not mounted', lost, mount);
  return no('not mounted, and not loaded', lost, `${asRoot('modprobe binfmt_misc')} && ${mount}`);
}

function startCache(): Answer {
  const lost = 'starts are not kept: each takes as long as the first';
  if (launched() === undefined)
    return no('started without the launcher', lost, `run-foreign check start-cache`);
  const directory = startsDirectory();
  if (directory === undefined) return noDirectory(lost);
  if (readNumber('/proc/sys/kernel/randomize_va_space') !== 2)
    return no('addresses are not random', lost, setSysctl('kernel.randomize_va_space', 2));
  const doubt = startsDoubt(directory) ?? unusable(existingPart(directory));
  if (doubt === undefined) {
    const kept = existsSync(directory) ? readdirSync(directory).length : 0;
    return yes(`${kept} ${kept === 1 ? 'start is' : 'starts are'} kept in ${directory}`);
  }
  const isOwn = existsSync(directory) && statSync(directory).uid === process.geteuid?.();
  const isOpen = isOwn && (statSync(directory).mode & 0o077) !== 0;
  const advice = isOpen
    ? lost
    : `${lost}; XDG_CACHE_HOME can name another directory, one that is yours alone`;
  return no(doubt, advice, isOpen ? `chmod 700 ${shellWord(directory)}` : undefined);
}

function noDirectory(lost: string): Answer {
  const configuration = userDirectory(process.env, 'XDG_CONFIG_HOME');
  if (configuration !== undefined && existsSync(join(configuration, 'run-foreign')))
    return no(
      `there is a configuration, ${join(configuration, 'run-foreign')}`,
      `${lost}, because it may name loaders; nothing is to be done if it does`,
    );
  if (userDirectory(process.env, 'XDG_CACHE_HOME') === undefined)
    return no('there is no home directory', lost, 'export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"');
  return no(
    'the user is not who owns files here (set-user-ID, or a user namespace that does not know them)',
    lost,
  );
}

/** include/uapi/asm-generic/fcntl.h: __O_TMPFILE and O_DIRECTORY, open(2). */
const O_TMPFILE = 0o20200000;

/** Why no program can be put into a directory and executed there; tried with a file that has no name. */
function unusable(directory: string): string | undefined {
  try {
    const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);
    try {
      accessSync(`/proc/self/fd/${fd}`, constants.X_OK);
      return undefined;
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    return `${directory} takes no programs: ${(cause as NodeJS.ErrnoException).code}`;
  }
}

function koffi(): Answer {
  try {
    return yes(`koffi ${koffiVersion()} has called the C library`);
  } catch (cause) {
    const origin = cause instanceof Error ? (cause.cause ?? cause) : cause;
    const [reason] = String(origin instanceof Error ? origin.message : origin).split('\n');
    const root = self();
    const fix =
      root === undefined ? undefined : `npm install --prefix ${shellWord(dirname(dirname(root)))} koffi`;
    return no(
      `it cannot be loaded: ${reason}`,
      'plain starts do without; checkpoints, sealed programs and most of this list do not',
      fix,
    );
  }
}
