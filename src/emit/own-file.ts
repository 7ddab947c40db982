/** The stub's own file, where that holds the program as well. */
import { AT } from '../process/auxv.ts';
import { ADOPTED } from './data-page.ts';
import { failOnError, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

/** include/uapi/asm-generic/fcntl.h: O_RDONLY and O_CLOEXEC. */
const O_CLOEXEC = 0o2000000n;
const OWN_FILE = '/proc/self/exe\0';

/** Opens it, if the plan needs it; by the name it was executed by where there is no /proc. */
export function emitOpenOwnFile(context: StepContext): void {
  const { emitter, files, store } = context;
  if (files.every((file) => typeof file === 'number')) return;
  const { code } = emitter;
  const opened = code.label();
  emitter.systemCall('open', store(Buffer.from(OWN_FILE)), O_CLOEXEC, 0n);
  emitter.jumpUnlessError(opened);
  emitter.systemCall('open', { data: emitter.auxvOffset(AT.EXECFN) }, O_CLOEXEC, 0n);
  failOnError(context, 'cannot open its own file');
  code.place(opened);
  code.store(emitter.data(ADOPTED.ownFile), REG.ax);
}
