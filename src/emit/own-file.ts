/** The stub's own file, where that holds the program as well. */
import { AT } from '../process/auxv.ts';
import { ADOPTED } from './data-page.ts';
import { failOnError, OPEN_FLAGS, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

const OWN_FILE = '/proc/self/exe\0';

/** Opens it, if the plan needs it; by the name it was executed by where there is no /proc. */
export function emitOpenOwnFile(context: StepContext): void {
  const { emitter, files, store } = context;
  if (!files.some((file) => typeof file === 'object')) return;
  const { code } = emitter;
  const opened = code.label();
  emitter.systemCall('open', store(Buffer.from(OWN_FILE)), OPEN_FLAGS, 0n);
  emitter.jumpUnlessError(opened);
  emitter.systemCall('open', { data: emitter.auxvOffset(AT.EXECFN) }, OPEN_FLAGS, 0n);
  failOnError(context, 'cannot open its own file');
  code.place(opened);
  code.store(emitter.data(ADOPTED.opened), REG.ax);
}
