/** The stub's own file, where that holds the program as well. */
import { ERRNO } from '../errno.ts';
import { AT } from '../process/auxv.ts';
import { ADOPTED } from './data-page.ts';
import type { Argument } from './emitter.ts';
import { failOnError, failureText, OPEN_FLAGS, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

const SEEK_END = 2n;
const OWN_FILE = '/proc/self/exe\0';

/**
 * Opens it, if the plan needs it: by the name it was executed by where there is no /proc, or where somebody else runs the
 * stub and could not make that name it. A file of another size is another one, or was cut off: touching pages behind its
 * end would be a signal.
 */
export function emitOpenOwnFile(context: StepContext): void {
  const { emitter, store } = context;
  const size = ownFileSize(context);
  if (size === undefined) return;
  const { code } = emitter;
  const [second, opened] = [code.label(), code.label()];
  const open = (name: Argument) => {
    emitter.systemCall('open', name, OPEN_FLAGS, 0n);
  };
  const compareSize = () => {
    code.store(emitter.data(ADOPTED.opened), REG.ax);
    emitter.systemCall('lseek', { data: ADOPTED.opened }, 0n, SEEK_END);
    code.moveImmediate(REG.cx, size);
    code.compare(REG.ax, REG.cx);
  };
  open(store(Buffer.from(OWN_FILE)));
  emitter.jumpOnError(second);
  compareSize();
  code.jumpIf('equal', opened);
  emitter.systemCall('close', { data: ADOPTED.opened });
  code.place(second);
  open({ data: emitter.auxvOffset(AT.EXECFN) });
  failOnError(context, 'cannot open its own file');
  compareSize();
  const message = 'its own file is not as long as it was made';
  code.jumpIf('notEqual', context.failures.label(failureText(context, message), ERRNO.EIO));
  code.place(opened);
}

/** Undefined where nothing of the plan is in it. */
function ownFileSize({ files, plan }: StepContext): bigint | undefined {
  for (const [index, at] of files.entries()) {
    const file = plan.files[index];
    if (typeof at === 'object' && file !== undefined && 'payloads' in file)
      return at.ownFileFrom + BigInt(file.size);
  }
  return undefined;
}
