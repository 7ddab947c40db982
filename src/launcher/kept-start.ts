/**
 * The plain start of a program that was started before: Node has left a stub that needs nothing but the file to be the same
 * (start-file.ts), and the launcher executes it with the program's own arguments. In doubt it goes on and starts Node. Nothing of
 * the process is touched meanwhile, and of descriptors only its own, each closed again.
 *
 * The stub makes sure once more that it opens the same file; what this code must hold is that it executes nothing but
 * what this user, or root, has put into a directory of the user's own.
 */
import { type Label, REG } from '../emit/x86.ts';
import { ERRNO } from '../errno.ts';
import { AT } from '../process/auxv.ts';
import type { LauncherContext } from './context.ts';
import { address, held, memory, type Slot } from './data.ts';
import { emitCheckStart, STAT } from './kept-checks.ts';
import { MAX_START_SIZE, STARTS_DIRECTORY, TRAILER } from './start-file.ts';
import { SYS } from './system-calls.ts';
import { emitReadStack, emitUserPath } from './user-paths.ts';

const WORD = 8;
const [DASH, SLASH] = [0x2d, 0x2f];
/** The first four letters of URLs, which may be small ones; the mask makes large ones of them. */
const [HTTP, LARGE] = [0x50545448, -0x20202021];
/** include/uapi/asm-generic/fcntl.h */
const O = {
  NONBLOCK: 0o4000n,
  NOCTTY: 0o400n,
  DIRECTORY: 0o200000n,
  NOFOLLOW: 0o400000n,
  CLOEXEC: 0o2000000n,
  PATH: 0o10000000n,
};
const OPEN_FILE = O.NONBLOCK | O.NOCTTY | O.CLOEXEC;
const F_OK = 0n;
/** include/uapi/linux/fcntl.h */
const AT_EMPTY_PATH = 0x1000n;
/** No address of a user's. */
const UNREADABLE = -8n;
/** include/uapi/linux/stat.h */
const [S_IFMT, S_IFREG, WRITABLE_BY_OTHERS] = [0o170000, 0o100000, 0o022];
/** What users look like that a user namespace does not know (kernel.overflowuid): two of them need not be one. */
const OVERFLOW_UID = 65534;

/** Goes on behind this where Node is needed. */
export function emitKeptStart(context: LauncherContext, buildId: string): void {
  const { emitter, text } = context;
  const { code } = emitter;
  const [slow, closeProgram, closeDirectory, closeStart] = [
    code.label(),
    code.label(),
    code.label(),
    code.label(),
  ];
  emitCheckName(context, slow);
  emitReadStack(context, slow);
  emitCheckUser(context, slow);
  emitCheckConfiguration(context, slow);
  emitOpenDirectory(context, slow, closeDirectory);
  emitOpenProgram(context, closeDirectory, closeProgram);
  emitOpenStart(context, closeProgram, closeStart);
  emitCheckStart(context, buildId, closeStart);
  close(context, 'programFd');
  close(context, 'directoryFd');
  code.move(REG.dx, REG.bp);
  code.addImmediate(REG.dx, 2 * WORD);
  code.load(REG.r10, memory(emitter, 'envp'));
  code.load(REG.di, memory(emitter, 'startFd'));
  code.moveImmediate(REG.si, text(''));
  code.moveImmediate(REG.r8, AT_EMPTY_PATH);
  code.moveImmediate(REG.ax, BigInt(SYS.execveat));
  code.systemCall();
  close(context, 'startFd');
  code.jump(slow);
  code.place(closeStart);
  close(context, 'startFd');
  code.place(closeProgram);
  close(context, 'programFd');
  code.place(closeDirectory);
  close(context, 'directoryFd');
  code.place(slow);
}

function close({ emitter }: LauncherContext, slot: Slot): void {
  emitter.systemCallNumber(SYS.close, held(slot));
}

/** There is a program, its name is a path, and neither an option nor a URL. */
export function emitCheckName({ emitter }: LauncherContext, slow: Label): void {
  const { code } = emitter;
  const [next, path] = [code.label(), code.label()];
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.compareImmediate(REG.ax, 2);
  code.jumpIf('below', slow);
  code.load(REG.bx, { base: REG.bp, displacement: 2 * WORD });
  code.loadByte(REG.ax, { base: REG.bx, displacement: 0 });
  code.compareImmediate(REG.ax, DASH);
  code.jumpIf('equal', slow);
  // Behind a shorter name there is more of the stack.
  code.load32(REG.ax, { base: REG.bx, displacement: 0 });
  code.andImmediate(REG.ax, LARGE);
  code.compareImmediate(REG.ax, HTTP);
  code.jumpIf('equal', slow);
  code.move(REG.si, REG.bx);
  code.place(next);
  code.loadByte(REG.ax, { base: REG.si, displacement: 0 });
  code.addImmediate(REG.si, 1);
  code.compareImmediate(REG.ax, SLASH);
  code.jumpIf('equal', path);
  code.test(REG.ax);
  code.jumpIf('notEqual', next);
  code.jump(slow);
  code.place(path);
}

/** Nobody has started us with more privileges than theirs, and whose files are whose can be told. */
function emitCheckUser({ emitter }: LauncherContext, slow: Label): void {
  const { code } = emitter;
  code.load(REG.ax, emitter.auxv(AT.SECURE));
  code.test(REG.ax);
  code.jumpIf('notEqual', slow);
  code.load(REG.ax, emitter.auxv(AT.EUID));
  code.compareImmediate(REG.ax, OVERFLOW_UID);
  code.jumpIf('equal', slow);
}

/** What stands in the user's configuration only Node can read. */
function emitCheckConfiguration(context: LauncherContext, slow: Label): void {
  const { emitter } = context;
  const { code } = emitter;
  const none = code.label();
  emitUserPath(context, { variable: 'configHome', belowHome: '.config', rest: 'run-foreign' }, none);
  emitter.systemCallNumber(SYS.access, address(emitter, 'candidate'), F_OK);
  emitter.jumpUnlessError(slow);
  code.place(none);
}

/** First of all, because where there is none there is nothing to ask about the program. */
function emitOpenDirectory(context: LauncherContext, slow: Label, closeDirectory: Label): void {
  const { emitter } = context;
  const path = { variable: 'cacheHome', belowHome: '.cache', rest: STARTS_DIRECTORY } as const;
  emitUserPath(context, path, slow);
  const flags = O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  emitter.systemCallNumber(SYS.open, address(emitter, 'candidate'), flags, 0n);
  emitter.jumpOnError(slow);
  emitter.code.store(memory(emitter, 'directoryFd'), REG.ax);
  emitStat(context, 'directoryFd', 'directoryStat', closeDirectory);
  emitIsOurs(context, 'directoryStat', closeDirectory);
}

/** The program as it is now; execve would take it (execveRefusal in src/native/libc.ts). */
function emitOpenProgram(context: LauncherContext, otherwise: Label, closeProgram: Label): void {
  const { emitter, text } = context;
  const { code } = emitter;
  code.move(REG.di, REG.bx);
  code.moveImmediate(REG.si, OPEN_FILE);
  code.moveImmediate(REG.dx, 0n);
  code.moveImmediate(REG.ax, BigInt(SYS.open));
  code.systemCall();
  emitter.jumpOnError(otherwise);
  code.store(memory(emitter, 'programFd'), REG.ax);
  emitStat(context, 'programFd', 'programStat', closeProgram);
  emitIsRegular(context, 'programStat', closeProgram);
  emitter.systemCallNumber(SYS.execveat, held('programFd'), text(''), UNREADABLE, UNREADABLE, AT_EMPTY_PATH);
  code.compareImmediate(REG.ax, -ERRNO.EFAULT);
  code.jumpIf('notEqual', closeProgram);
}

/** The kept start comes into `start`, and its size into bx. */
function emitOpenStart(context: LauncherContext, otherwise: Label, closeStart: Label): void {
  const { emitter } = context;
  const { code } = emitter;
  emitStartName(context);
  const name = address(emitter, 'startName');
  emitter.systemCallNumber(SYS.openat, held('directoryFd'), name, OPEN_FILE | O.NOFOLLOW, 0n);
  emitter.jumpOnError(otherwise);
  code.store(memory(emitter, 'startFd'), REG.ax);
  emitStat(context, 'startFd', 'startStat', closeStart);
  emitIsRegular(context, 'startStat', closeStart);
  emitIsOurs(context, 'startStat', closeStart);
  code.load(REG.ax, memory(emitter, 'startStat', STAT.st_nlink));
  code.compareImmediate(REG.ax, 1);
  code.jumpIf('notEqual', closeStart);
  code.load(REG.bx, memory(emitter, 'startStat', STAT.st_size));
  code.compareImmediate(REG.bx, TRAILER.size);
  code.jumpIf('below', closeStart);
  code.compareImmediate(REG.bx, MAX_START_SIZE);
  code.jumpIf('above', closeStart);
  const start = address(emitter, 'start');
  emitter.systemCallNumber(SYS.pread64, held('startFd'), start, BigInt(MAX_START_SIZE), 0n);
  code.compare(REG.ax, REG.bx);
  code.jumpIf('notEqual', closeStart);
}

function emitStat({ emitter }: LauncherContext, fd: Slot, stat: Slot, otherwise: Label): void {
  emitter.systemCallNumber(SYS.fstat, held(fd), address(emitter, stat));
  emitter.jumpOnError(otherwise);
}

function emitIsRegular({ emitter }: LauncherContext, stat: Slot, otherwise: Label): void {
  const { code } = emitter;
  code.load32(REG.ax, memory(emitter, stat, STAT.st_mode));
  code.andImmediate(REG.ax, S_IFMT);
  code.compareImmediate(REG.ax, S_IFREG);
  code.jumpIf('notEqual', otherwise);
}

/** It belongs to the user, and nobody else may write to it. */
function emitIsOurs({ emitter }: LauncherContext, stat: Slot, otherwise: Label): void {
  const { code } = emitter;
  code.load32(REG.ax, memory(emitter, stat, STAT.st_uid));
  code.load(REG.cx, emitter.auxv(AT.EUID));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', otherwise);
  code.load32(REG.ax, memory(emitter, stat, STAT.st_mode));
  code.andImmediate(REG.ax, WRITABLE_BY_OTHERS);
  code.test(REG.ax);
  code.jumpIf('notEqual', otherwise);
}

/** startName in machine code: the last digit first. */
function emitStartName({ emitter }: LauncherContext): void {
  const { code } = emitter;
  const DIGITS = 16;
  [STAT.st_dev, STAT.st_ino].forEach((field, index) => {
    const next = code.label();
    code.load(REG.dx, memory(emitter, 'programStat', field));
    code.moveImmediate(REG.di, address(emitter, 'startName', index * DIGITS + DIGITS - 1));
    code.moveImmediate(REG.cx, BigInt(DIGITS));
    code.place(next);
    code.move(REG.ax, REG.dx);
    code.andImmediate(REG.ax, 0xf);
    code.addImmediate(REG.ax, 'a'.charCodeAt(0));
    code.storeByte({ base: REG.di, displacement: 0 }, REG.ax);
    code.addImmediate(REG.di, -1);
    code.shiftRight(REG.dx, 4);
    code.addImmediate(REG.cx, -1);
    code.jumpIf('notEqual', next);
  });
}
