/**
 * An interpreter's file is opened, read and checked. HAZARD: nobody has looked at it before, and whoever can write to
 * it can still change it. So the headers are read once, into memory of the stub's, and what is checked there is what
 * is mapped. No number is used before it is known that sums with it do not overflow.
 */
import { ERRNO } from '../errno.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../process/address-space.ts';
import { E_IDENT } from './elf-fields.ts';
import { HEADER, type InterpreterCode, type InterpreterStep, TABLE, VARIABLE } from './interpreter-code.ts';
import type { StepContext } from './step-context.ts';
import { REG } from './x86.ts';

/** Little-endian 7f 45 4c 46. */
const ELFMAG = 0x464c_457f;
const ET_DYN = 3;
/** include/uapi/asm-generic/fcntl.h; O_RDONLY is 0. */
const O_CLOEXEC = 0o2000000n;
const SEEK_END = 2n;
/** No user address on any machine. */
const UNREADABLE = -PAGE_SIZE;

/** Afterwards `fd` is open, the headers are in memory, and `low` and `high` are known. */
export function emitReadInterpreter(
  step: InterpreterStep,
  self: InterpreterCode,
  context: StepContext,
): void {
  emitOpen(step, self, context);
  emitReadHeaders(self);
  emitCheckSegments(self, ADDRESS_SPACES[context.plan.arch].taskSize);
}

/**
 * Only a file that the kernel would execute is opened, so no directory, no FIFO and no device: execve finds that
 * out first and reads argv next, so with an argv that cannot be read it never gets any further.
 */
function emitOpen(step: InterpreterStep, self: InterpreterCode, { store }: StepContext): void {
  const { code, emitter } = self;
  const path = store(Buffer.concat([step.path, Buffer.of(0)]));
  const failed = self.failed('load');
  emitter.systemCall('execve', path, UNREADABLE, UNREADABLE);
  code.compareImmediate(REG.ax, -ERRNO.EFAULT);
  code.jumpIf('notEqual', failed);
  emitter.systemCall('open', path, O_CLOEXEC, 0n);
  emitter.jumpOnError(failed);
  code.store(self.variable('fd'), REG.ax);
  emitter.systemCall('lseek', { data: VARIABLE.fd }, 0n, SEEK_END);
  emitter.jumpOnError(failed);
  code.store(self.variable('fileSize'), REG.ax);
}

function emitReadHeaders(self: InterpreterCode): void {
  const { code, emitter, fields } = self;
  const { ehdr, phdr } = fields;
  const failed = self.failed('read');
  const short = self.refused('ends before its headers do', ERRNO.EIO);
  const fd = { data: VARIABLE.fd };
  emitter.systemCall('pread64', fd, emitter.dataPlace(HEADER), BigInt(ehdr.size), ...self.readOffset(0n));
  emitter.jumpOnError(failed);
  code.compareImmediate(REG.ax, ehdr.size);
  code.jumpIf('notEqual', short);
  emitCheckHeader(self);

  code.loadWord16(REG.cx, self.ehdr(ehdr.e_phnum));
  code.moveImmediate(REG.dx, BigInt(phdr.size));
  code.multiply32(REG.cx, REG.dx);
  code.store(self.variable('tableSize'), REG.cx);
  code.moveImmediate(REG.dx, emitter.dataPlace(TABLE));
  code.add(REG.dx, REG.cx);
  code.store(self.variable('tableEnd'), REG.dx);
  const offset = self.readOffset({ data: HEADER + ehdr.e_phoff });
  emitter.systemCall('pread64', fd, emitter.dataPlace(TABLE), { data: VARIABLE.tableSize }, ...offset);
  emitter.jumpOnError(failed);
  code.load(REG.cx, self.variable('tableSize'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', short);
}

function emitCheckHeader(self: InterpreterCode): void {
  const { code, emitter, fields, maxHeaders } = self;
  const { machine } = emitter;
  const strange = self.refused('is no ELF file for this machine');
  code.load32(REG.cx, self.ehdr(E_IDENT.magic));
  code.compareImmediate(REG.cx, ELFMAG);
  code.jumpIf('notEqual', strange);
  code.loadByte(REG.cx, self.ehdr(E_IDENT.EI_CLASS));
  code.compareImmediate(REG.cx, machine.elf.class);
  code.jumpIf('notEqual', strange);
  code.loadWord16(REG.cx, self.ehdr(E_IDENT.e_machine));
  code.compareImmediate(REG.cx, machine.elf.machine);
  code.jumpIf('notEqual', strange);
  code.loadWord16(REG.cx, self.ehdr(E_IDENT.e_type));
  code.compareImmediate(REG.cx, ET_DYN);
  code.jumpIf('notEqual', self.refused('is not position-independent (ET_DYN)'));
  code.loadWord16(REG.cx, self.ehdr(fields.ehdr.e_phentsize));
  code.compareImmediate(REG.cx, fields.phdr.size);
  code.jumpIf('notEqual', self.refused('has program headers of a strange size'));
  const number = self.refused(`has no program headers or more than ${maxHeaders}`);
  code.loadWord16(REG.cx, self.ehdr(fields.ehdr.e_phnum));
  code.test(REG.cx);
  code.jumpIf('equal', number);
  code.compareImmediate(REG.cx, maxHeaders);
  code.jumpIf('above', number);
}

function emitCheckSegments(self: InterpreterCode, taskSize: bigint): void {
  const { code, fields } = self;
  const impossible = self.refused('has a PT_LOAD segment that cannot be mapped');
  const disorder = self.refused('does not begin with a PT_LOAD segment that has bytes and is the lowest');
  self.forEachLoad(() => {
    const [empty, later, done] = [code.label(), code.label(), code.label()];
    code.load(REG.ax, self.phdr('p_filesz'));
    code.load(REG.cx, self.phdr('p_memsz'));
    code.load(REG.dx, self.phdr('p_vaddr'));
    code.compare(REG.ax, REG.cx);
    code.jumpIf('above', impossible);
    // cx becomes the segment's end.
    code.add(REG.cx, REG.dx);
    code.compare(REG.cx, REG.dx);
    code.jumpIf('below', impossible);
    code.moveImmediate(REG.si, taskSize);
    code.compare(REG.cx, REG.si);
    code.jumpIf('above', impossible);
    code.test(REG.ax);
    code.jumpIf('equal', empty);
    emitCheckBytes(self);
    code.place(empty);

    code.andImmediate(REG.dx, -Number(PAGE_SIZE));
    code.load(REG.si, self.variable('high'));
    code.test(REG.si);
    code.jumpIf('notEqual', later);
    // The kernel finds room with the first segment's pages, or takes 0 for a place if it has none.
    code.load(REG.ax, self.phdr('p_filesz'));
    code.test(REG.ax);
    code.jumpIf('equal', disorder);
    code.store(self.variable('low'), REG.dx);
    code.load(REG.ax, self.phdr('p_offset'));
    self.toMmapOffset();
    code.store(self.variable('offset'), REG.ax);
    code.place(later);
    code.load(REG.ax, self.variable('low'));
    code.compare(REG.dx, REG.ax);
    code.jumpIf('below', disorder);
    code.compare(REG.cx, REG.si);
    code.jumpIf('belowOrEqual', done);
    code.store(self.variable('high'), REG.cx);
    code.place(done);
  });
  code.load(REG.cx, self.variable('high'));
  code.test(REG.cx);
  code.jumpIf('equal', disorder);
  const outside = self.refused('is entered outside its segments');
  code.load(REG.ax, self.ehdr(fields.ehdr.e_entry));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('aboveOrEqual', outside);
  code.load(REG.cx, self.variable('low'));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('below', outside);
}

/** With p_filesz in ax and p_vaddr in dx; leaves cx and dx as they are. Nothing may be mapped past the file's end, for who touches that gets SIGBUS. */
function emitCheckBytes(self: InterpreterCode): void {
  const { code } = self;
  const truncated = self.refused('is truncated: a PT_LOAD segment goes past its end', ERRNO.EIO);
  code.load(REG.si, self.phdr('p_offset'));
  code.add(REG.ax, REG.si);
  code.compare(REG.ax, REG.si);
  code.jumpIf('below', truncated);
  code.load(REG.di, self.variable('fileSize'));
  code.compare(REG.ax, REG.di);
  code.jumpIf('above', truncated);
  code.subtract(REG.si, REG.dx);
  code.andImmediate(REG.si, Number(PAGE_SIZE) - 1);
  const message = 'has a PT_LOAD segment at another place in its page in memory than in the file';
  code.jumpIf('notEqual', self.refused(message));
}
