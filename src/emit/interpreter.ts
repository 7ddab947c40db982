/**
 * Loads an ELF interpreter by its path, as load_elf_interp in fs/binfmt_elf.c does: its layout is what its file says
 * when the stub runs. The kernel finds room for all of it as for the `reserve` step, no p_align is looked at, and each
 * PT_LOAD goes where elf_load would put it.
 */
import { ERRNO } from '../errno.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { DATA } from './data-page.ts';
import type { Argument } from './emitter.ts';
import { HEADER, InterpreterCode, type InterpreterStep, VARIABLE } from './interpreter-code.ts';
import { emitReadInterpreter } from './interpreter-file.ts';
import { MAP, NO_FILE, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

/** p_flags and what mmap calls them. */
const PF = { X: 1, W: 2, R: 4 };
const PROT = { READ: 1, WRITE: 2, EXEC: 4 };
/** From PF_R to PROT_READ and from PF_X to PROT_EXEC; PF_W is PROT_WRITE. */
const PROTECTION_SHIFT = 2;

export function emitInterpreter(step: InterpreterStep, context: StepContext): void {
  const { emitter } = context;
  const self = new InterpreterCode(step, context);
  emitReadInterpreter(step, self, context);
  emitRoom(self);
  self.forEachLoad(() => emitSegment(self));
  emitter.systemCall('close', { data: VARIABLE.fd });
  // Nothing of the headers is to stay behind the code that comes into this page.
  emitter.load(REG.di, emitter.dataPlace(HEADER));
  emitter.code.moveImmediate(REG.cx, PAGE_SIZE);
  emitter.code.moveImmediate(REG.ax, 0n);
  emitter.code.repeatStoreBytes();
}

/** Sets the base and the entry. mmap and munmap count whole pages. `offset` is still the first segment's. */
function emitRoom(self: InterpreterCode): void {
  const { code, emitter, fields } = self;
  code.load(REG.ax, self.variable('high'));
  code.load(REG.cx, self.variable('low'));
  code.subtract(REG.ax, REG.cx);
  code.store(self.variable('roomSize'), REG.ax);
  const size = { data: VARIABLE.roomSize };
  const flags = BigInt(MAP.PRIVATE | MAP.NORESERVE);
  const failed = self.failed('find room for');
  emitter.systemCall('mmap', 0n, size, 0n, flags, { data: VARIABLE.fd }, { data: VARIABLE.offset });
  emitter.jumpOnError(failed);
  code.load(REG.cx, self.variable('low'));
  code.store(self.variable('start'), REG.ax);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(DATA.interp), REG.ax);
  code.addFrom(REG.ax, self.ehdr(fields.ehdr.e_entry));
  code.store(emitter.data(DATA.interpEntry), REG.ax);
  emitter.systemCall('munmap', { data: VARIABLE.start }, size);
  emitter.jumpOnError(failed);
}

/** One PT_LOAD, whose header bx points to. */
function emitSegment(self: InterpreterCode): void {
  const { code, emitter } = self;
  const [zeros, done] = [code.label(), code.label()];
  code.load(REG.ax, self.phdr('p_vaddr'));
  code.addFrom(REG.ax, emitter.data(DATA.interp));
  code.andImmediate(REG.ax, -Number(PAGE_SIZE));
  code.store(self.variable('start'), REG.ax);
  code.store(self.variable('filled'), REG.ax);
  emitProtection(self);
  code.load(REG.ax, self.phdr('p_filesz'));
  code.test(REG.ax);
  code.jumpIf('equal', zeros);
  emitFilePages(self);

  code.place(zeros);
  code.load(REG.bx, self.variable('header'));
  code.load(REG.ax, self.phdr('p_memsz'));
  code.load(REG.cx, self.phdr('p_filesz'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('equal', done);
  emitZeroTail(self);
  // The pages behind the file's are readable and writable, whatever p_flags says.
  code.load(REG.ax, self.phdr('p_vaddr'));
  code.addFrom(REG.ax, emitter.data(DATA.interp));
  code.addFrom(REG.ax, self.phdr('p_memsz'));
  code.load(REG.cx, self.variable('filled'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('belowOrEqual', done);
  code.subtract(REG.ax, REG.cx);
  code.store(self.variable('size'), REG.ax);
  code.store(self.variable('start'), REG.cx);
  code.load(REG.ax, self.variable('protection'));
  code.andImmediate(REG.ax, PROT.EXEC);
  code.addImmediate(REG.ax, PROT.READ + PROT.WRITE);
  code.store(self.variable('protection'), REG.ax);
  emitMap(self, MAP.ANONYMOUS, NO_FILE, 0n);
  code.place(done);
}

function emitProtection(self: InterpreterCode): void {
  const { code } = self;
  code.load32(REG.ax, self.phdr('p_flags'));
  code.move(REG.cx, REG.ax);
  code.move(REG.dx, REG.ax);
  code.andImmediate(REG.ax, PF.W);
  code.andImmediate(REG.cx, PF.R);
  code.shiftRight(REG.cx, PROTECTION_SHIFT);
  code.add(REG.ax, REG.cx);
  code.andImmediate(REG.dx, PF.X);
  code.shiftLeft(REG.dx, PROTECTION_SHIFT);
  code.add(REG.ax, REG.dx);
  code.store(self.variable('protection'), REG.ax);
}

/** With p_filesz, which is not 0, in ax. Sets `filled` to the end of the file's pages. */
function emitFilePages(self: InterpreterCode): void {
  const { code } = self;
  code.load(REG.cx, self.phdr('p_vaddr'));
  code.andImmediate(REG.cx, Number(PAGE_SIZE) - 1);
  code.add(REG.ax, REG.cx);
  code.addImmediate(REG.ax, Number(PAGE_SIZE) - 1);
  code.andImmediate(REG.ax, -Number(PAGE_SIZE));
  code.store(self.variable('size'), REG.ax);
  code.load(REG.ax, self.phdr('p_offset'));
  self.toMmapOffset();
  code.store(self.variable('offset'), REG.ax);
  emitMap(self, 0, { data: VARIABLE.fd }, { data: VARIABLE.offset });
  code.load(REG.ax, self.variable('start'));
  code.addFrom(REG.ax, self.variable('size'));
  code.store(self.variable('filled'), REG.ax);
}

/** With p_filesz in cx and bx at the header, which stays. A segment that is not writable keeps what the file has there. */
function emitZeroTail(self: InterpreterCode): void {
  const { code, emitter } = self;
  const none = code.label();
  code.test(REG.cx);
  code.jumpIf('equal', none);
  code.load(REG.ax, self.variable('protection'));
  code.andImmediate(REG.ax, PROT.WRITE);
  code.jumpIf('equal', none);
  code.load(REG.di, self.phdr('p_vaddr'));
  code.addFrom(REG.di, emitter.data(DATA.interp));
  code.add(REG.di, REG.cx);
  code.load(REG.cx, self.variable('filled'));
  code.subtract(REG.cx, REG.di);
  code.moveImmediate(REG.ax, 0n);
  code.repeatStoreBytes();
  code.place(none);
}

/**
 * Maps `size` bytes at `start`, and the rest of the last page. All of it lies in the room, which was empty: only where the segments themselves share
 * pages, the later one lies over the earlier one.
 */
function emitMap(self: InterpreterCode, flags: number, fd: Argument, offset: Argument): void {
  const { code, emitter } = self;
  const [clear, below] = [code.label(), code.label()];
  const failed = self.failed('map');
  code.load(REG.dx, self.variable('start'));
  code.load(REG.cx, self.variable('top'));
  code.moveImmediate(REG.ax, BigInt(MAP.PRIVATE | MAP.FIXED_NOREPLACE | flags));
  code.compare(REG.dx, REG.cx);
  code.jumpIf('aboveOrEqual', clear);
  code.moveImmediate(REG.ax, BigInt(MAP.PRIVATE | MAP.FIXED | flags));
  code.place(clear);
  code.store(self.variable('flags'), REG.ax);
  const [start, size, protection, how] = [
    VARIABLE.start,
    VARIABLE.size,
    VARIABLE.protection,
    VARIABLE.flags,
  ].map((data) => ({ data })) as [Argument, Argument, Argument, Argument];
  emitter.systemCall('mmap', start, size, protection, how, fd, offset);
  emitter.jumpOnError(failed);
  // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint and may map elsewhere.
  code.load(REG.cx, self.variable('start'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', self.refused('meets another mapping', ERRNO.EEXIST));
  code.addFrom(REG.ax, self.variable('size'));
  code.load(REG.cx, self.variable('top'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('belowOrEqual', below);
  code.store(self.variable('top'), REG.ax);
  code.place(below);
}
