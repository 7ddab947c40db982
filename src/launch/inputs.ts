/** Which of the caller's descriptors a program does not get, and what it reads instead. */
import { constants, openSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import type { Invocation } from '../plan/planner.ts';
import type { BackingFile } from '../source/source.ts';
import type { LoadedProgram } from './load.ts';
import type { StartRequest } from './request.ts';

/** What a program and the keys to it came through is not its own: as standard input it gets another, or nothing. */
export function descriptorsFor(
  { descriptor }: LoadedProgram,
  { stdin, keyDescriptors = [] }: StartRequest,
): Pick<Invocation, 'stdin' | 'closed'> {
  const taken = new Set(keyDescriptors);
  if (descriptor !== undefined) taken.add(descriptor);
  const path = stdin ?? (taken.delete(0) ? Buffer.from('/dev/null') : undefined);
  taken.delete(0);
  return { stdin: path === undefined ? undefined : openInput(path), closed: [...taken] };
}

function openInput(path: Uint8Array): BackingFile {
  try {
    return { fd: openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOCTTY), path, offset: 0 };
  } catch (cause) {
    const subject = Buffer.from(path).toString();
    const why = (cause as NodeJS.ErrnoException).code;
    throw new ForeignError('USAGE', `--stdin cannot be opened: ${why}`, { subject, cause });
  }
}
