/**
 * From the stub's file to the hand-over page: fills the page and the data page and jumps. Where memory that was
 * written may not become executable, the page is made anew, executable, and filled from behind (poke.ts).
 */
import { PAGE_SIZE } from '../process/address-space.ts';
import { protectionBits } from './memory-steps.ts';
import { emitPoke, OWN_MEMORY } from './poke.ts';
import { failOnError, failureText, MAP, NO_FILE, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

/** Bytes that the stub's file brings along, and where they belong. */
export interface Part {
  readonly from: bigint;
  readonly to: bigint;
  readonly size: bigint;
}

const MESSAGE = 'cannot go on in a page of its own: is it forbidden to make memory executable?';

export function emitLeave(context: StepContext, data: readonly Part[], handOver: Part): void {
  const { emitter, failures, store } = context;
  const { code } = emitter;
  const ready = code.label();
  for (const { from, to, size } of [...data, handOver]) emitter.copyBytes(from, to, size);
  emitter.systemCall('mprotect', handOver.to, PAGE_SIZE, protectionBits('r-x'));
  emitter.jumpUnlessError(ready);

  const flags = BigInt(MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS);
  emitter.systemCall('mmap', handOver.to, PAGE_SIZE, protectionBits('r-x'), flags, NO_FILE, 0n);
  failOnError(context, MESSAGE);
  const refused = failures.label(failureText(context, MESSAGE));
  emitPoke(emitter, { ...handOver, path: store(Buffer.from(OWN_MEMORY)) }, refused);

  code.place(ready);
  code.moveImmediate(REG.ax, handOver.to);
  code.jumpRegister(REG.ax);
}
