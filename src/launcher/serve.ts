/** The launcher does what Node asks for, message by message (protocol.ts), until Node says that the stub is ready. */
import { type Label, REG, type Register } from '../emit/x86.ts';
import { BLOCK, CALL } from './calls.ts';
import type { LauncherContext } from './context.ts';
import { address, held, memory, set } from './data.ts';
import { CONTROL_SIZE, MESSAGE } from './protocol.ts';
import { SYS } from './system-calls.ts';

const WORD = 8;
/** include/linux/socket.h: a Node that has gone is no reason to be killed. */
const MSG_NOSIGNAL = 0x4000n;
/** struct msghdr */
const MSGHDR = { iov: 16, iovlen: 24, control: 32, controllen: 40 } as const;

/** Goes on behind this when there is a stub, and to `ended` when Node has closed its end. */
export function emitServe(context: LauncherContext, ended: Label): void {
  const { emitter } = context;
  const { code } = emitter;
  const [again, calls, descriptors, start] = [code.label(), code.label(), code.label(), code.label()];
  set(emitter, 'vector', address(emitter, 'block'));
  set(emitter, 'vector', BigInt(BLOCK.size), WORD);
  set(emitter, 'message', address(emitter, 'vector'), MSGHDR.iov);
  set(emitter, 'message', 1n, MSGHDR.iovlen);
  set(emitter, 'message', address(emitter, 'control'), MSGHDR.control);

  code.place(again);
  // The kernel writes into both how much there was; where no descriptor fits, it leaves them.
  set(emitter, 'message', BigInt(CONTROL_SIZE), MSGHDR.controllen);
  set(emitter, 'control', 0n);
  emitter.systemCallNumber(SYS.recvmsg, held('parentSocket'), address(emitter, 'message'), 0n);
  for (const [size, label] of [
    [MESSAGE.calls, calls],
    [MESSAGE.descriptors, descriptors],
    [MESSAGE.start, start],
  ] as const) {
    code.compareImmediate(REG.ax, size);
    code.jumpIf('equal', label);
  }
  code.jump(ended);

  code.place(descriptors);
  emitSend(context, address(emitter, 'control'), CONTROL_SIZE);
  code.jump(again);
  code.place(calls);
  emitCalls(context);
  emitSend(context, address(emitter, 'block'), BLOCK.size);
  code.jump(again);
  code.place(start);
  code.load(REG.ax, memory(emitter, 'block'));
  code.store(memory(emitter, 'stubFd'), REG.ax);
}

/** Makes the calls of the block; cx and r11 are lost in each. */
function emitCalls({ emitter }: LauncherContext): void {
  const { code } = emitter;
  const [call, left] = [REG.r14, REG.r12];
  const word = (base: Register, index: number) => ({ base, displacement: index * WORD });
  const [next, done] = [code.label(), code.label()];
  code.moveImmediate(call, address(emitter, 'block', BLOCK.calls));
  code.load(left, memory(emitter, 'block'));
  code.place(next);
  code.test(left);
  code.jumpIf('equal', done);
  code.load(REG.ax, word(call, CALL.number));
  emitter.machine.parameters.forEach((register, index) => {
    code.load(register, word(call, CALL.arguments + index));
  });
  code.systemCall();
  code.load(REG.cx, word(call, CALL.result));
  code.store(word(REG.cx, 0), REG.ax);
  code.addImmediate(call, CALL.size);
  code.addImmediate(left, -1);
  code.jump(next);
  code.place(done);
}

function emitSend({ emitter }: LauncherContext, from: bigint, size: number): void {
  emitter.systemCallNumber(SYS.sendto, held('parentSocket'), from, BigInt(size), MSG_NOSIGNAL, 0n, 0n);
}
