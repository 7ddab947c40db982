/**
 * The launcher's child, which becomes Node: `node SCRIPT args…`, with the caller's environment but for what would
 * steer Node. It works on its own copy of the first stack, in place: argc and argv[0] become argv[0] and argv[1],
 * and options of Node's go below them.
 */
import { REG } from '../emit/x86.ts';
import { ERRNO } from '../errno.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import type { LauncherContext } from './context.ts';
import { address, held, memory, PATH_MAX, set } from './data.ts';
import {
  ASIDE_BYTE,
  BINFMT_ARGV0,
  BINFMT_SUFFIX,
  FIRST_DIGIT,
  NODE_ARGV0,
  SET_ASIDE,
  SOCKET_DIGITS,
  USUAL_PLACES,
} from './protocol.ts';
import { SYS } from './system-calls.ts';

/** include/uapi/linux/prctl.h, fcntl.h, unistd.h */
const PR_SET_PDEATHSIG = 1n;
const SIGKILL = 9n;
const F_DUPFD = 0n;
const R_OK = 4n;
/** include/uapi/asm-generic/mman-common.h */
const PROT_ALL = 7n;
const MAP_PRIVATE_ANONYMOUS = 0x22n;
/** 0, 1 and 2 stay what they are, also when they are closed. */
const FIRST_FREE_FD = 3n;

const COLON = 0x3a;
const WORD = 8;

export function emitChild(context: LauncherContext): void {
  const { emitter } = context;
  // Whoever kills the launcher means Node as well.
  emitter.systemCallNumber(SYS.prctl, PR_SET_PDEATHSIG, SIGKILL);
  emitSocketName(context);
  emitScriptName(context);
  emitEnvironment(context);
  emitArguments(context);
  emitFindNode(context);
}

/** Without pages that are writable and executable at once V8 cannot compile, and Node would not even start. */
function emitArguments({ emitter, text, nodeOptions }: LauncherContext): void {
  const { code } = emitter;
  const [interpret, done] = [code.label(), code.label()];
  const argv = (values: readonly bigint[]) => {
    values.forEach((value, index) => {
      code.moveImmediate(REG.ax, value);
      code.store({ base: REG.bp, displacement: (index + 2 - values.length) * WORD }, REG.ax);
    });
    code.move(REG.ax, REG.bp);
    code.addImmediate(REG.ax, (2 - values.length) * WORD);
    code.store(memory(emitter, 'argv'), REG.ax);
  };
  const [argv0, script] = [address(emitter, 'nodeArgv0'), address(emitter, 'script')];
  emitter.systemCallNumber(SYS.mmap, 0n, PAGE_SIZE, PROT_ALL, MAP_PRIVATE_ANONYMOUS, -1n, 0n);
  emitter.jumpOnError(interpret);
  argv([argv0, ...nodeOptions.map(text), script]);
  code.jump(done);
  code.place(interpret);
  argv([argv0, ...['--jitless', '--no-expose-wasm'].map(text), script]);
  code.place(done);
}

/** NODE_ARGV0 with the number of the socket. */
function emitSocketName({ emitter, failures, text, forBinfmt }: LauncherContext): void {
  const { code } = emitter;
  emitter.systemCallNumber(SYS.fcntl, held('childSocket'), F_DUPFD, FIRST_FREE_FD);
  emitter.jumpOnError(failures.label('run-foreign: cannot keep a socket for Node: '));
  code.store(memory(emitter, 'childSocket'), REG.ax);
  emitter.copyBytes(text(NODE_ARGV0), address(emitter, 'nodeArgv0'), BigInt(NODE_ARGV0.length));
  if (forBinfmt) {
    const ordinary = code.label();
    code.load(REG.ax, memory(emitter, 'fromBinfmt'));
    code.test(REG.ax);
    code.jumpIf('equal', ordinary);
    emitter.copyBytes(text(BINFMT_ARGV0), address(emitter, 'nodeArgv0'), BigInt(BINFMT_ARGV0.length));
    code.place(ordinary);
  }
  for (let digit = 0; digit < SOCKET_DIGITS; digit++) {
    code.load(REG.ax, memory(emitter, 'childSocket'));
    code.shiftRight(REG.ax, 4 * (SOCKET_DIGITS - 1 - digit));
    code.andImmediate(REG.ax, 0xf);
    code.addImmediate(REG.ax, FIRST_DIGIT.charCodeAt(0));
    code.storeByte(memory(emitter, 'nodeArgv0', NODE_ARGV0.length + digit), REG.ax);
  }
}

/** The command's path, which is ours, and `.cjs`. */
function emitScriptName({ emitter, failures, text, forBinfmt }: LauncherContext): void {
  const { code } = emitter;
  const script = address(emitter, 'script');
  const suffix = '.cjs';
  const room = BigInt(PATH_MAX - suffix.length - 1);
  emitter.systemCallNumber(SYS.readlink, text('/proc/self/exe'), script, room);
  emitter.jumpOnError(failures.label('run-foreign: cannot read /proc/self/exe, is /proc mounted?: '));
  code.moveImmediate(REG.di, script);
  code.add(REG.di, REG.ax);
  if (forBinfmt) code.addImmediate(REG.di, -BINFMT_SUFFIX.length);
  code.moveImmediate(REG.si, text(suffix));
  code.moveImmediate(REG.cx, BigInt(suffix.length + 1));
  code.repeatMoveBytes();
  emitter.systemCallNumber(SYS.access, script, R_OK);
  const message =
    'run-foreign: its other half, run-foreign.cjs, is not beside it, install the whole package: ';
  emitter.jumpOnError(failures.label(message));
}

/** Finds PATH, and changes the first byte of what is set aside. */
function emitEnvironment({ emitter, text }: LauncherContext): void {
  const { code } = emitter;
  const [entry, entries] = [REG.r14, REG.r12];
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.shiftLeft(REG.ax, 3);
  code.add(REG.ax, REG.bp);
  code.addImmediate(REG.ax, 2 * WORD);
  code.store(memory(emitter, 'envp'), REG.ax);
  code.move(entries, REG.ax);
  const [next, done] = [code.label(), code.label()];
  code.place(next);
  code.load(entry, { base: entries, displacement: 0 });
  code.test(entry);
  code.jumpIf('equal', done);
  const whenItBegins = (name: string, action: () => void) => {
    const other = code.label();
    code.move(REG.si, entry);
    code.moveImmediate(REG.di, text(name));
    code.moveImmediate(REG.cx, BigInt(name.length));
    code.repeatCompareBytes();
    code.jumpIf('notEqual', other);
    action();
    code.place(other);
  };
  for (const name of SET_ASIDE)
    whenItBegins(name, () => {
      code.moveImmediate(REG.ax, BigInt(ASIDE_BYTE));
      code.storeByte({ base: entry, displacement: 0 }, REG.ax);
    });
  whenItBegins('PATH=', () => {
    // The compare has left si behind the name.
    code.store(memory(emitter, 'path'), REG.si);
  });
  code.addImmediate(entries, WORD);
  code.jump(next);
  code.place(done);
}

/** Tries each directory of PATH, then the usual places. An empty one, the current directory, is passed over. */
function emitFindNode({ emitter, failures, refusals, text }: LauncherContext): void {
  const { code } = emitter;
  const [path, delimiter] = [REG.r14, REG.r12];
  const candidate = address(emitter, 'candidate');
  const name = '/node';
  const limit = candidate + BigInt(PATH_MAX - name.length - 1);
  const component = code.label();
  const copy = code.label();
  const end = code.label();
  const passOver = code.label();
  const usual = code.label();
  code.load(path, memory(emitter, 'path'));
  code.test(path);
  code.jumpIf('equal', usual);

  code.place(component);
  code.moveImmediate(REG.di, candidate);
  code.moveImmediate(REG.dx, limit);
  code.place(copy);
  code.loadByte(delimiter, { base: path, displacement: 0 });
  code.addImmediate(path, 1);
  code.test(delimiter);
  code.jumpIf('equal', end);
  code.compareImmediate(delimiter, COLON);
  code.jumpIf('equal', end);
  code.move(REG.ax, delimiter);
  code.compare(REG.di, REG.dx);
  code.jumpIf('equal', copy);
  code.storeByte({ base: REG.di, displacement: 0 }, REG.ax);
  code.addImmediate(REG.di, 1);
  code.jump(copy);

  code.place(end);
  code.compare(REG.di, REG.dx);
  code.jumpIf('equal', passOver);
  code.moveImmediate(REG.ax, candidate);
  code.compare(REG.di, REG.ax);
  code.jumpIf('equal', passOver);
  code.moveImmediate(REG.si, text(name));
  code.moveImmediate(REG.cx, BigInt(name.length + 1));
  code.repeatMoveBytes();
  code.load(REG.si, memory(emitter, 'argv'));
  code.moveImmediate(REG.di, candidate);
  code.load(REG.dx, memory(emitter, 'envp'));
  code.moveImmediate(REG.ax, BigInt(SYS.execve));
  code.systemCall();
  // Node gets a few bytes more than we got.
  code.compareImmediate(REG.ax, -ERRNO.E2BIG);
  code.jumpIf('equal', refusals.label('run-foreign: the arguments and the environment are too long: '));
  code.place(passOver);
  code.test(delimiter);
  code.jumpIf('notEqual', component);

  code.load(REG.ax, memory(emitter, 'searched'));
  code.test(REG.ax);
  const message = 'run-foreign: needs Node.js 20.19, or 22.3 or newer, and there is no node in PATH: ';
  code.jumpIf('notEqual', failures.label(message, ERRNO.ENOENT));
  code.place(usual);
  set(emitter, 'searched', 1n);
  code.moveImmediate(path, text(USUAL_PLACES));
  code.jump(component);
}
