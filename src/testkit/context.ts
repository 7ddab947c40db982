/** What a loader is told while its files are only looked at: the same on every machine. */
import { ForeignError, partError } from '../errors.ts';
import { openExecutable } from '../launch/open.ts';
import type { HostContext } from '../loader/walk.ts';
import { memorySource } from '../source/memory.ts';
import type { Source } from '../source/source.ts';
import { ownSample } from './samples.ts';
import type { Subject } from './subject.ts';

/** Damaged files may say that they hold more. */
const MAX_SIZE = 64 * 2 ** 20;
/** The dynamic linkers of glibc and musl; ours stands in for all of them, so that plans say nothing of the machine. */
const DYNAMIC_LINKER = /\/ld[-.\w]*\.so(\.\d+)?$/;
const OF_64_BIT = /x86[-_]64/;
/** Stand-ins are, to the planner, files; it reads nothing of them. */
const LINKER_FD = 101;

/** Opens what a file names. Throws ForeignError. */
export type Open = (path: Uint8Array) => Source;

/** The machine's own files, but for dynamic linkers. */
export const openReal: Open = (path) => standIn(path) ?? openExecutable(path);

/** No file of the machine, because a damaged file could name any of them. */
export const openNothing: Open = (path) => {
  const found = standIn(path);
  if (found !== undefined) return found;
  const message = 'no such file: the files that damaged files name are not opened in tests';
  throw new ForeignError('PROGRAM_NOT_FOUND', message, { subject: Buffer.from(path).toString() });
};

function standIn(path: Uint8Array): Source | undefined {
  const name = Buffer.from(path).toString('latin1');
  if (!DYNAMIC_LINKER.test(name)) return undefined;
  const { bytes } = ownSample(`elf/${OF_64_BIT.test(name) ? 'x86_64' : 'i386'}/hello-static-pie`);
  return { ...memorySource(bytes, name), file: { fd: LINKER_FD, path, offset: 0 } };
}

export function hostContext({ secrets }: Subject, open: Open): HostContext {
  return {
    limits: { maxSize: MAX_SIZE },
    secrets,
    confidential: true,
    progress: () => {},
    open(path) {
      try {
        return open(path);
      } catch (cause) {
        throw partError('its interpreter', cause);
      }
    },
    find: (command) => Buffer.from(command.includes('/') ? command : `/usr/bin/${command}`),
    isSelf: (command) => /(^|\/)run-foreign$/.test(Buffer.from(command).toString('latin1')),
  };
}
