/**
 * The process that has been started when the one that is brought back is another, with the number it had: it does nothing but
 * hand on signals, stop when the other stops, and end as it ends. It has no stack, and all signals blocked.
 */
import { DATA } from '../data-page.ts';
import type { Emitter } from '../emitter.ts';
import { REG } from '../x86.ts';
import { emitArgument, emitNext, emitOwnCall, type Interpreter } from './interpreter.ts';

/** arch/x86/entry/syscalls/syscall_64.tbl */
const NR = {
  rt_sigaction: 13n,
  rt_sigprocmask: 14n,
  getpid: 39n,
  exit: 60n,
  wait4: 61n,
  kill: 62n,
  rt_sigtimedwait: 128n,
  exit_group: 231n,
  prlimit64: 302n,
  clone3: 435n,
  close_range: 436n,
} as const;
/** struct clone_args up to set_tid_size (CLONE_ARGS_SIZE_VER1). */
export const CLONE_ARGS_SIZE = 80;
const SIGSTOP = 19n;
const SIGCONT = 18n;
const SIGCHLD = 17;
const SI_KERNEL = 0x80;
const SI_CODE = 8;
const WNOHANG = 1n;
const WUNTRACED = 2n;
const SIGNAL_SET_SIZE = 8n;
const SIG_SETMASK = 2n;
const RLIMIT_CORE = 4n;
const LAST_DESCRIPTOR = 0xffff_ffffn;

/** In the data page: a siginfo_t, a status, and zeros. */
const INFO = DATA.message;
const STATUS = DATA.message + 128;
const ZEROS = DATA.message + 192;
const ALL_SIGNALS = DATA.message + 256;

const CHILD = REG.r14;
const SIGNAL = REG.r15;

/** The handler of `process`; argument 0 is a struct clone_args. */
export function emitNewProcess(emitter: Emitter, interpreter: Interpreter): void {
  const { code } = emitter;
  const child = code.label();
  emitArgument(emitter, 0, REG.di);
  code.moveImmediate(REG.si, BigInt(CLONE_ARGS_SIZE));
  code.moveImmediate(REG.ax, NR.clone3);
  code.systemCall();
  emitter.jumpOnError(interpreter.failed);
  code.test(REG.ax);
  code.jumpIf('equal', child);
  emitWait(emitter);
  code.place(child);
  emitNext(emitter);
}

function emitWait(emitter: Emitter): void {
  const { code } = emitter;
  code.move(CHILD, REG.ax);
  emitOwnCall(emitter, NR.close_range, 3n, LAST_DESCRIPTOR, 0n);
  const [wait, look, stopped, forward, signalled] = Array.from({ length: 5 }, () => code.label());
  if (!wait || !look || !stopped || !forward || !signalled) throw new Error('no labels');
  code.place(wait);
  const at = (offset: number) => emitter.dataPlace(offset);
  code.moveImmediate(REG.ax, (1n << 64n) - 1n);
  code.store(emitter.data(ALL_SIGNALS), REG.ax);
  emitOwnCall(emitter, NR.rt_sigtimedwait, at(ALL_SIGNALS), at(INFO), 0n, SIGNAL_SET_SIZE);
  emitter.jumpOnError(wait);
  code.move(SIGNAL, REG.ax);
  code.compareImmediate(SIGNAL, SIGCHLD);
  code.jumpIf('notEqual', forward);

  code.place(look);
  emitOwnCall(emitter, NR.wait4, CHILD, at(STATUS), WNOHANG | WUNTRACED, 0n);
  code.compare(REG.ax, CHILD);
  code.jumpIf('notEqual', wait);
  code.load32(SIGNAL, emitter.data(STATUS));
  code.move(REG.ax, SIGNAL);
  code.andImmediate(REG.ax, 0x7f);
  code.compareImmediate(REG.ax, 0x7f);
  code.jumpIf('equal', stopped);
  code.test(REG.ax);
  code.jumpIf('notEqual', signalled);
  code.move(REG.di, SIGNAL);
  code.shiftRight(REG.di, 8);
  code.andImmediate(REG.di, 0xff);
  emitOwnCall(emitter, NR.exit_group);

  code.place(stopped);
  emitOwnCall(emitter, NR.getpid);
  code.move(REG.di, REG.ax);
  code.moveImmediate(REG.si, SIGSTOP);
  emitOwnCall(emitter, NR.kill);
  emitOwnCall(emitter, NR.kill, CHILD, SIGCONT);
  code.jump(look);

  // The terminal has sent it to the other as well, which is in the same process group.
  code.place(forward);
  code.load32(REG.ax, emitter.data(INFO + SI_CODE));
  code.compareImmediate(REG.ax, SI_KERNEL);
  code.jumpIf('equal', wait);
  emitOwnCall(emitter, NR.kill, CHILD, SIGNAL);
  code.jump(wait);

  code.place(signalled);
  code.move(SIGNAL, REG.ax);
  emitOwnCall(emitter, NR.prlimit64, 0n, RLIMIT_CORE, at(ZEROS), 0n);
  emitOwnCall(emitter, NR.rt_sigaction, SIGNAL, at(ZEROS), 0n, SIGNAL_SET_SIZE);
  emitOwnCall(emitter, NR.getpid);
  code.move(REG.di, REG.ax);
  code.move(REG.si, SIGNAL);
  emitOwnCall(emitter, NR.kill);
  emitOwnCall(emitter, NR.rt_sigprocmask, SIG_SETMASK, at(ZEROS), 0n, SIGNAL_SET_SIZE);
  code.move(REG.di, SIGNAL);
  code.addImmediate(REG.di, 128);
  emitOwnCall(emitter, NR.exit_group);
}
