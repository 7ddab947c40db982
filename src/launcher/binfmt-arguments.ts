/**
 * What binfmt_misc makes of a start, with its flag P (build_interp_argv and load_misc_binary in fs/binfmt_misc.c):
 *
 *   interpreter  the program's path  the caller's argv[0]  argv[1] …
 *
 * As a rule the path and argv[0] are the same, as when a shell starts ./program. That is `run-foreign ./program …`, and becomes it
 * in place, so that such a start is as plain as that one, and can be one that was kept. All others are left to Node.
 */
import { emitReadAuxv } from '../emit/adopt.ts';
import { type Label, REG } from '../emit/x86.ts';
import { ERRNO } from '../errno.ts';
import { AT } from '../process/auxv.ts';
import type { LauncherContext } from './context.ts';
import { set } from './data.ts';
import { emitCheckName } from './kept-start.ts';

const WORD = 8;

/**
 * The environment decides what Node is and what it loads, so where it comes from somebody with fewer privileges (AT_SECURE: a
 * setuid program has started this one) nothing is started.
 */
function emitRefuseRaised({ emitter, refusals }: LauncherContext): void {
  const { code } = emitter;
  const next = code.label();
  code.load(REG.ax, { base: REG.bp, displacement: 0 });
  code.shiftLeft(REG.ax, 3);
  code.add(REG.ax, REG.bp);
  code.addImmediate(REG.ax, 2 * WORD);
  code.move(REG.si, REG.ax);
  code.place(next);
  code.load(REG.ax, { base: REG.si, displacement: 0 });
  code.addImmediate(REG.si, WORD);
  code.test(REG.ax);
  code.jumpIf('notEqual', next);
  emitReadAuxv(emitter);
  code.load(REG.ax, emitter.auxv(AT.SECURE));
  code.test(REG.ax);
  const message =
    'run-foreign: started by a program with more privileges than its user has, which a foreign program must not get: ';
  code.jumpIf('notEqual', refusals.label(message, ERRNO.EPERM));
}

/** Goes on behind this where the arguments are plain ones, and to `needsNode` where Node has to look at them. */
export function emitBinfmtArguments(context: LauncherContext, needsNode: Label): void {
  emitRefuseRaised(context);
  const { emitter } = context;
  const { code } = emitter;
  const [path, argv0, count] = [REG.si, REG.di, REG.bx];
  const [next, same, other] = [code.label(), code.label(), code.label()];
  // Other names do not mean the same to us and to execve.
  emitCheckName(context, other);
  code.load(count, { base: REG.bp, displacement: 0 });
  code.compareImmediate(count, 3);
  code.jumpIf('below', other);
  code.load(path, { base: REG.bp, displacement: 2 * WORD });
  code.load(argv0, { base: REG.bp, displacement: 3 * WORD });

  code.place(next);
  code.loadByte(REG.ax, { base: path, displacement: 0 });
  code.loadByte(REG.cx, { base: argv0, displacement: 0 });
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', other);
  code.addImmediate(path, 1);
  code.addImmediate(argv0, 1);
  code.test(REG.ax);
  code.jumpIf('equal', same);
  code.jump(next);

  code.place(other);
  set(emitter, 'fromBinfmt', 1n);
  code.jump(needsNode);

  // The interpreter's name goes, and the path stands in its place.
  code.place(same);
  code.addImmediate(count, -1);
  code.addImmediate(REG.bp, WORD);
  code.store({ base: REG.bp, displacement: 0 }, count);
}
