/** Opens the program by the first argument, and makes sure that it is the file that the plan was made of. */
import { ERRNO } from '../errno.ts';
import type { Step } from '../plan/plan.ts';
import { type FileIdentity, timeWords } from '../source/identity.ts';
import { ADOPTED, DATA } from './data-page.ts';
import { failOnError, failureText, OPEN_FLAGS, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

type OpenStep = Extract<Step, { op: 'open' }>;

/** struct stat or, in 32-bit programs, struct stat64: where messages are made, of which there is none yet. */
const STAT = DATA.message + 512;

export function emitOpen({ identity }: OpenStep, context: StepContext): void {
  const { emitter, failures, store } = context;
  const { code, machine } = emitter;
  emitter.systemCall('open', { data: ADOPTED.arg_start }, OPEN_FLAGS, 0n);
  failOnError(context, 'cannot be opened again');
  code.store(emitter.data(ADOPTED.opened), REG.ax);
  emitter.systemCall('fstat', { data: ADOPTED.opened }, emitter.dataPlace(STAT));
  failOnError(context, 'cannot be looked at');
  const changed = failures.label(
    failureText(context, 'has changed while it was being started, start it again'),
    ERRNO.ESTALE,
  );
  for (const { offset, bytes } of statRanges(identity, machine.bits)) {
    emitter.load(REG.si, emitter.dataPlace(STAT + offset));
    emitter.load(REG.di, store(bytes));
    code.moveImmediate(REG.cx, BigInt(bytes.length));
    code.repeatCompareBytes();
    code.jumpIf('notEqual', changed);
  }
}

/** What fstat writes of a file, in pieces without what does not tell it from others. */
function statRanges(identity: FileIdentity, bits: 32 | 64): { offset: number; bytes: Uint8Array }[] {
  const words = (values: readonly bigint[], width: 4 | 8) => {
    const bytes = Buffer.alloc(values.length * width);
    values.forEach((value, index) => {
      if (width === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), index * 8);
      else bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), index * 4);
    });
    return bytes;
  };
  const { dev, ino, size } = identity;
  const times = timeWords(identity);
  return bits === 64
    ? // arch/x86/include/uapi/asm/stat.h
      [
        { offset: 0, bytes: words([dev, ino], 8) },
        { offset: 48, bytes: words([size], 8) },
        { offset: 88, bytes: words(times, 8) },
      ]
    : [
        { offset: 0, bytes: words([dev], 8) },
        { offset: 44, bytes: words([size], 8) },
        { offset: 72, bytes: words(times, 4) },
        { offset: 88, bytes: words([ino], 8) },
      ];
}
