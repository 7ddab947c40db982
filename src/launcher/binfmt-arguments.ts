/**
 * What binfmt_misc makes of a start, with its flag P (build_interp_argv and load_misc_binary in fs/binfmt_misc.c):
 *
 *   interpreter  the program's path  the caller's argv[0]  argv[1] …
 *
 * As a rule the path and argv[0] are the same, as when a shell starts ./program. That is `run-foreign ./program …`, and becomes it
 * in place, so that such a start is as plain as that one, and can be one that was kept. All others are left to Node.
 */
import { type Label, REG } from '../emit/x86.ts';
import type { LauncherContext } from './context.ts';
import { set } from './data.ts';

const WORD = 8;
const [DOT, SLASH] = [0x2e, 0x2f];

/** Goes on behind this where the arguments are plain ones, and to `needsNode` where Node has to look at them. */
export function emitBinfmtArguments({ emitter }: LauncherContext, needsNode: Label): void {
  const { code } = emitter;
  const [path, argv0, count] = [REG.si, REG.di, REG.bx];
  const [isPath, next, same, other] = [code.label(), code.label(), code.label(), code.label()];
  code.load(count, { base: REG.bp, displacement: 0 });
  code.compareImmediate(count, 3);
  code.jumpIf('below', other);
  code.load(path, { base: REG.bp, displacement: 2 * WORD });
  code.load(argv0, { base: REG.bp, displacement: 3 * WORD });

  // `/…` and `./…` mean the same to us and to execve.
  code.loadByte(REG.ax, { base: path, displacement: 0 });
  code.compareImmediate(REG.ax, SLASH);
  code.jumpIf('equal', isPath);
  code.compareImmediate(REG.ax, DOT);
  code.jumpIf('notEqual', other);
  code.loadByte(REG.ax, { base: path, displacement: 1 });
  code.compareImmediate(REG.ax, SLASH);
  code.jumpIf('notEqual', other);
  code.place(isPath);

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
