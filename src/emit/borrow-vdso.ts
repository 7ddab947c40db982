/**
 * Where the last instructions of a stub stand, which unmap it: in the unused bytes behind the vDSO's image, in its last
 * page. That is executable memory which a program has anyway.
 */
import { PAGE_SIZE } from '../process/address-space.ts';
import { AT } from '../process/auxv.ts';
import { DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { protectionBits } from './memory-steps.ts';
import { emitPoke, OWN_MEMORY } from './poke.ts';
import { type Label, REG } from './x86.ts';

/** The room taken is a multiple of this, bytes: what most last instructions need. */
export const EXIT_SIZE = 16;

/** Copies the last instructions behind the vDSO's image and notes where it is, or jumps to `stay`. */
export function emitBorrowVdso(
  emitter: Emitter,
  last: { readonly from: bigint; readonly size: number },
  store: (bytes: Uint8Array) => bigint,
  stay: Label,
): void {
  const { code, machine } = emitter;
  const { ehdr } = machine;
  code.load(REG.bx, emitter.auxv(AT.SYSINFO_EHDR));
  code.test(REG.bx);
  code.jumpIf('equal', stay);
  code.load(REG.ax, { base: REG.bx, displacement: ehdr.e_shoff });
  code.test(REG.ax);
  code.jumpIf('equal', stay);
  // The section headers are the last thing in the image.
  code.loadWord16(REG.cx, { base: REG.bx, displacement: ehdr.e_shentsize });
  code.loadWord16(REG.dx, { base: REG.bx, displacement: ehdr.e_shnum });
  code.multiply32(REG.cx, REG.dx);
  code.add(REG.ax, REG.cx);
  code.add(REG.ax, REG.bx);
  code.move(REG.dx, REG.ax);
  code.addImmediate(REG.dx, Number(PAGE_SIZE) - 1);
  code.andImmediate(REG.dx, -Number(PAGE_SIZE));
  code.move(REG.cx, REG.dx);
  code.addImmediate(REG.cx, -Math.ceil(last.size / EXIT_SIZE) * EXIT_SIZE);
  code.compare(REG.cx, REG.ax);
  code.jumpIf('below', stay);
  code.store(emitter.data(DATA.exit), REG.cx);
  code.subtract(REG.dx, REG.bx);
  code.store(emitter.data(DATA.vdso), REG.bx);
  code.store(emitter.data(DATA.vdsoSize), REG.dx);
  const [protect, done] = [code.label(), code.label()];
  const path = store(Buffer.from(OWN_MEMORY));
  emitPoke(emitter, { from: last.from, to: { data: DATA.exit }, size: BigInt(last.size), path }, protect);
  code.jump(done);

  // Without /proc. Taking write permission away again cannot fail; getting it is refused where the vDSO is sealed.
  code.place(protect);
  const vdso = [{ data: DATA.vdso }, { data: DATA.vdsoSize }];
  emitter.systemCall('mprotect', ...vdso, protectionBits('rwx'));
  emitter.jumpOnError(stay);
  emitter.copyBytes(last.from, { data: DATA.exit }, BigInt(last.size));
  emitter.systemCall('mprotect', ...vdso, protectionBits('r-x'));
  code.place(done);
}
