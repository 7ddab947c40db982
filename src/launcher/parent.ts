/**
 * The launcher's own process: starts Node, waits for the stub, becomes it.
 *
 * The soft limit of descriptors is raised meanwhile: the caller may have left no room for what Node sends.
 * Of standard input, output and error Node shares the open files, so their O_NONBLOCK is put back as it was.
 *
 * SIGCHLD is the one thing of the process itself that is touched, and put back: it must have its default while Node may
 * end by itself (else there is no status), and be ignored when Node is ended (then the kernel forgets the child:
 * it neither shows in the program's wait(2) nor in its getrusage(RUSAGE_CHILDREN)). Changing its action
 * discards a pending SIGCHLD, so one that was blocked and pending is taken out first and queued again.
 */

import { type Label, REG } from '../emit/x86.ts';
import { EXIT } from '../errors.ts';
import type { LauncherContext } from './context.ts';
import { address, held, memory, set } from './data.ts';
import { emitServe } from './serve.ts';
import { SYS } from './system-calls.ts';

/** include/linux/socket.h, include/linux/net.h */
const AF_UNIX = 1n;
/** Messages keep their limits. */
const SOCK_SEQPACKET_CLOEXEC = 0x80005n;
/** include/uapi/asm-generic/signal.h */
const SIGCHLD = 17;
const SIGKILL = 9n;
const SIG_IGN = 1n;
const SIGSET_SIZE = 8n;
/** include/uapi/linux/fcntl.h */
const F_SETFD = 2n;
const F_GETFL = 3n;
const F_SETFL = 4n;
const STDIO = [0, 1, 2];
const FD_CLOEXEC = 1n;
const AT_EMPTY_PATH = 0x1000n;
const STDERR = 2n;
/** include/uapi/asm-generic/resource.h */
const RLIMIT_NOFILE = 7n;

/** `child` is where the new process goes on. */
export function emitParent(context: LauncherContext, child: Label): void {
  const { emitter, failures } = context;
  const { code } = emitter;
  const ended = code.label();
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.test(REG.ax);
  code.jumpIf('equal', failures.label('run-foreign: started without even its own name: ', 22));
  emitTakeSigchld(context);
  emitNoteFlags(context);
  emitRaiseLimit(context);
  emitStartNode(context, child);
  emitServe(context, ended);
  emitEndNode(context);
  emitRestoreFlags(context);
  emitBecome(context);
  code.place(ended);
  // Node may still wait for an answer.
  emitter.systemCallNumber(SYS.close, held('parentSocket'));
  emitEndLikeNode(context);
}

function emitTakeSigchld({ emitter }: LauncherContext): void {
  const { code } = emitter;
  set(emitter, 'sigchldSet', 1n << BigInt(SIGCHLD - 1));
  const [signals, info, time] = (['sigchldSet', 'siginfo', 'noTime'] as const).map((slot) =>
    address(emitter, slot),
  ) as [bigint, bigint, bigint];
  emitter.systemCallNumber(SYS.rt_sigtimedwait, signals, info, time, SIGSET_SIZE);
  const none = code.label();
  code.compareImmediate(REG.ax, SIGCHLD);
  code.jumpIf('notEqual', none);
  set(emitter, 'wasPending', 1n);
  code.place(none);
  const actions = [address(emitter, 'defaultAction'), address(emitter, 'oldAction')];
  emitter.systemCallNumber(SYS.rt_sigaction, BigInt(SIGCHLD), ...actions, SIGSET_SIZE);
}

function emitNoteFlags({ emitter }: LauncherContext): void {
  for (const fd of STDIO) {
    emitter.systemCallNumber(SYS.fcntl, BigInt(fd), F_GETFL);
    emitter.code.store(memory(emitter, 'stdioFlags', fd * 8), REG.ax);
  }
}

function emitRaiseLimit({ emitter }: LauncherContext): void {
  const { code } = emitter;
  const [old, raised] = [address(emitter, 'oldLimit'), address(emitter, 'newLimit')];
  emitter.systemCallNumber(SYS.prlimit64, 0n, RLIMIT_NOFILE, 0n, old);
  code.load(REG.ax, memory(emitter, 'oldLimit', 8));
  code.store(memory(emitter, 'newLimit'), REG.ax);
  code.store(memory(emitter, 'newLimit', 8), REG.ax);
  emitter.systemCallNumber(SYS.prlimit64, 0n, RLIMIT_NOFILE, raised, 0n);
}

/** Of a descriptor that was closed the flags are -EBADF, and setting them fails again. */
function emitRestoreFlags({ emitter }: LauncherContext): void {
  const { code } = emitter;
  for (const fd of STDIO) {
    const same = code.label();
    emitter.systemCallNumber(SYS.fcntl, BigInt(fd), F_GETFL);
    code.load(REG.cx, memory(emitter, 'stdioFlags', fd * 8));
    code.compare(REG.ax, REG.cx);
    code.jumpIf('equal', same);
    emitter.systemCallNumber(SYS.fcntl, BigInt(fd), F_SETFL, held('stdioFlags', fd * 8));
    code.place(same);
  }
}

function emitStartNode({ emitter, failures }: LauncherContext, child: Label): void {
  const { code } = emitter;
  emitter.systemCallNumber(SYS.socketpair, AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0n, address(emitter, 'pair'));
  emitter.jumpOnError(failures.label('run-foreign: cannot make a socket: '));
  code.load32(REG.ax, memory(emitter, 'pair'));
  code.store(memory(emitter, 'parentSocket'), REG.ax);
  code.load32(REG.ax, memory(emitter, 'pair', 4));
  code.store(memory(emitter, 'childSocket'), REG.ax);
  emitter.systemCallNumber(SYS.fork);
  emitter.jumpOnError(failures.label('run-foreign: cannot start a process for Node: '));
  code.test(REG.ax);
  code.jumpIf('equal', child);
  code.store(memory(emitter, 'pid'), REG.ax);
  emitter.systemCallNumber(SYS.close, held('childSocket'));
}

/** Ends Node so that nothing is left of it, and puts SIGCHLD back. */
function emitEndNode({ emitter }: LauncherContext): void {
  const { code } = emitter;
  const setAction = (slot: 'ignoreAction' | 'oldAction') =>
    emitter.systemCallNumber(SYS.rt_sigaction, BigInt(SIGCHLD), address(emitter, slot), 0n, SIGSET_SIZE);
  set(emitter, 'ignoreAction', SIG_IGN);
  setAction('ignoreAction');
  emitter.systemCallNumber(SYS.kill, held('pid'), SIGKILL);
  emitter.systemCallNumber(SYS.wait4, held('pid'), 0n, 0n, 0n);
  setAction('oldAction');
  const none = code.label();
  code.load(REG.ax, memory(emitter, 'wasPending'));
  code.test(REG.ax);
  code.jumpIf('equal', none);
  emitter.systemCallNumber(SYS.getpid);
  code.store(memory(emitter, 'pid'), REG.ax);
  emitter.systemCallNumber(SYS.rt_sigqueueinfo, held('pid'), BigInt(SIGCHLD), address(emitter, 'siginfo'));
  code.place(none);
}

/** The stub gets one argument and no environment: what it needs of both it carries. */
function emitBecome({ emitter, refusals, text }: LauncherContext): void {
  emitter.systemCallNumber(SYS.fcntl, held('stubFd'), F_SETFD, FD_CLOEXEC);
  emitter.systemCallNumber(SYS.prlimit64, 0n, RLIMIT_NOFILE, address(emitter, 'oldLimit'), 0n);
  set(emitter, 'stubArgv', text('run-foreign'));
  const [argv, envp] = [address(emitter, 'stubArgv'), address(emitter, 'stubArgv', 8)];
  emitter.systemCallNumber(SYS.execveat, held('stubFd'), text(''), argv, envp, AT_EMPTY_PATH);
  emitter.code.jump(
    refusals.label('run-foreign: the program cannot be started from memory, see run-foreign check: '),
  );
}

/** Node has said what there was to say: its status is ours. */
function emitEndLikeNode({ emitter, text }: LauncherContext): void {
  const { code } = emitter;
  emitter.systemCallNumber(SYS.wait4, held('pid'), address(emitter, 'status'), 0n, 0n);
  code.load(REG.ax, memory(emitter, 'status'));
  code.andImmediate(REG.ax, 0x7f);
  const exited = code.label();
  code.test(REG.ax);
  code.jumpIf('equal', exited);
  const message = 'run-foreign: its Node process was killed\n';
  emitter.systemCallNumber(SYS.write, STDERR, text(message), BigInt(message.length));
  emitter.systemCallNumber(SYS.exit_group, BigInt(EXIT.ours));
  code.place(exited);
  code.load(REG.ax, memory(emitter, 'status'));
  code.shiftRight(REG.ax, 8);
  code.andImmediate(REG.ax, 0xff);
  code.store(memory(emitter, 'status'), REG.ax);
  emitter.systemCallNumber(SYS.exit_group, held('status'));
}
