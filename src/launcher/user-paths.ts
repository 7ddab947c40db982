/** Where files of the user lie, as the launcher finds out: src/plugins/user-directory.ts in machine code. */
import { emitReadAuxv } from '../emit/adopt.ts';
import { type Label, REG } from '../emit/x86.ts';
import type { LauncherContext } from './context.ts';
import { address, memory, PATH_MAX, type Slot } from './data.ts';

const WORD = 8;
const SLASH = 0x2f;
/** What our own variables begin with: whoever sets one wants something that only Node knows. */
const OWN_PREFIX = 'RUN_FOREIGN_';

const DIRECTORIES = { home: 'HOME=', configHome: 'XDG_CONFIG_HOME=', cacheHome: 'XDG_CACHE_HOME=' } as const;

/**
 * Notes the user's directories and the auxv; goes to `slow` where a variable of ours is set. Of two of a name the first
 * counts, as in getenv(3).
 */
export function emitReadStack({ emitter, text }: LauncherContext, slow: Label): void {
  const { code } = emitter;
  const [at, entry] = [REG.r14, REG.r12];
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.shiftLeft(REG.ax, 3);
  code.add(REG.ax, REG.bp);
  code.addImmediate(REG.ax, 2 * WORD);
  code.store(memory(emitter, 'envp'), REG.ax);
  code.move(at, REG.ax);
  const [next, end] = [code.label(), code.label()];
  const unlessItBegins = (name: string, other: Label) => {
    code.move(REG.si, entry);
    code.moveImmediate(REG.di, text(name));
    code.moveImmediate(REG.cx, BigInt(name.length));
    code.repeatCompareBytes();
    code.jumpIf('notEqual', other);
  };
  code.place(next);
  code.load(entry, { base: at, displacement: 0 });
  code.addImmediate(at, WORD);
  code.test(entry);
  code.jumpIf('equal', end);
  for (const [slot, name] of Object.entries(DIRECTORIES)) {
    const other = code.label();
    unlessItBegins(name, other);
    // The compare has left si behind the name.
    code.load(REG.ax, memory(emitter, slot as Slot));
    code.test(REG.ax);
    code.jumpIf('notEqual', next);
    code.store(memory(emitter, slot as Slot), REG.si);
    code.jump(next);
    code.place(other);
  }
  unlessItBegins(OWN_PREFIX, next);
  code.jump(slow);
  code.place(end);
  code.move(REG.si, at);
  emitReadAuxv(emitter);
}

export interface UserPath {
  readonly variable: 'configHome' | 'cacheHome';
  /** What stands in HOME in its place. */
  readonly belowHome: string;
  /** Below one or the other. */
  readonly rest: string;
}

/** The NUL-terminated path, in `candidate`; goes to `none` where the user has no such directory, or it is too long. */
export function emitUserPath(context: LauncherContext, path: UserPath, none: Label): void {
  const { emitter } = context;
  const { code } = emitter;
  const [home, done] = [code.label(), code.label()];
  emitCopyDirectory(context, path.variable, home, none);
  emitAppend(context, `/${path.rest}`);
  code.jump(done);
  code.place(home);
  emitCopyDirectory(context, 'home', none, none);
  emitAppend(context, `/${path.belowHome}/${path.rest}`);
  code.place(done);
}

/** Copies a directory's name; leaves di behind it. What does not begin with a slash is none. */
function emitCopyDirectory({ emitter }: LauncherContext, slot: Slot, none: Label, tooLong: Label): void {
  const { code } = emitter;
  const [copy, copied] = [code.label(), code.label()];
  code.load(REG.si, memory(emitter, slot));
  code.test(REG.si);
  code.jumpIf('equal', none);
  code.loadByte(REG.ax, { base: REG.si, displacement: 0 });
  code.compareImmediate(REG.ax, SLASH);
  code.jumpIf('notEqual', none);
  code.moveImmediate(REG.di, address(emitter, 'candidate'));
  code.moveImmediate(REG.dx, address(emitter, 'candidate') + BigInt(PATH_MAX - ROOM));
  code.place(copy);
  code.test(REG.ax);
  code.jumpIf('equal', copied);
  code.compare(REG.di, REG.dx);
  code.jumpIf('equal', tooLong);
  code.storeByte({ base: REG.di, displacement: 0 }, REG.ax);
  code.addImmediate(REG.di, 1);
  code.addImmediate(REG.si, 1);
  code.loadByte(REG.ax, { base: REG.si, displacement: 0 });
  code.jump(copy);
  code.place(copied);
}

/** For what is appended. */
const ROOM = 128;

function emitAppend({ emitter, text }: LauncherContext, rest: string): void {
  if (rest.length >= ROOM) throw new Error('the name outgrows its room');
  const { code } = emitter;
  code.moveImmediate(REG.si, text(rest));
  code.moveImmediate(REG.cx, BigInt(rest.length + 1));
  code.repeatMoveBytes();
}
