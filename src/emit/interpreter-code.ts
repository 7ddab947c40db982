/** What the two halves of the `interpreter` step share: its variables, the headers in memory, its messages. */
import { ERRNO } from '../errno.ts';
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { DATA } from './data-page.ts';
import { ELF_FIELDS, type ElfFields } from './elf-fields.ts';
import type { Emitter } from './emitter.ts';
import { messageName } from './failure.ts';
import { failureText, type StepContext } from './step-context.ts';
import { type Label, type Memory, REG, type X86 } from './x86.ts';

export type InterpreterStep = Extract<Step, { op: 'interpreter' }>;

const PT_LOAD = 1;

/** Words of the data page, zero at first. */
const variable = (index: number) => DATA.interpreter + 8 * index;
export const VARIABLE = {
  fd: variable(0),
  /** Bytes of the file, of the table of program headers, and of the room for all segments. */
  fileSize: variable(1),
  tableSize: variable(2),
  roomSize: variable(3),
  /** The address of the program header that is looked at, and the end of their table. */
  header: variable(4),
  tableEnd: variable(5),
  /** Link-time addresses: the first segment's page, and the end of the highest. */
  low: variable(6),
  high: variable(7),
  /** Arguments of mmap. */
  start: variable(8),
  size: variable(9),
  protection: variable(10),
  flags: variable(11),
  offset: variable(12),
  /** The end of what is mapped of a segment, and of all. */
  filled: variable(13),
  top: variable(14),
} as const;

/** The ELF header is read to the beginning of the hand-over page, which is still empty, the table behind it. */
export const HEADER = Number(PAGE_SIZE);
export const TABLE = HEADER + ELF_FIELDS[64].ehdr.size;
const TABLE_ROOM = 2 * Number(PAGE_SIZE) - TABLE;

/** The emitter with the names of this step. */
export class InterpreterCode {
  readonly emitter: Emitter;
  readonly code: X86;
  readonly fields: ElfFields;
  readonly maxHeaders: number;
  readonly #step: InterpreterStep;
  readonly #context: StepContext;

  constructor(step: InterpreterStep, context: StepContext) {
    this.emitter = context.emitter;
    this.code = context.emitter.code;
    this.fields = ELF_FIELDS[context.emitter.machine.bits];
    this.maxHeaders = Math.floor(TABLE_ROOM / this.fields.phdr.size);
    this.#step = step;
    this.#context = context;
  }

  get #name(): string {
    return `${this.#step.what} ${messageName(Buffer.from(this.#step.path).toString())}`;
  }

  /** Reports `cannot … its interpreter PATH` and the error in ax. */
  failed(what: string): Label {
    return this.#context.failures.label(failureText(this.#context, `cannot ${what} ${this.#name}`));
  }

  /** Reports what is wrong with the file: `its interpreter PATH …`. */
  refused(why: string, errno: number = ERRNO.ENOEXEC): Label {
    return this.#context.failures.label(failureText(this.#context, `${this.#name} ${why}`), errno);
  }

  variable(name: keyof typeof VARIABLE): Memory {
    return this.emitter.data(VARIABLE[name]);
  }

  /** A field of the ELF header. */
  ehdr(offset: number): Memory {
    return this.emitter.data(HEADER + offset);
  }

  /** A field of the program header that bx points to. */
  phdr(name: Exclude<keyof ElfFields['phdr'], 'size'>): Memory {
    return { base: REG.bx, displacement: this.fields.phdr[name] };
  }

  /** An offset in a file that fits into a register, as arguments of pread64. */
  readOffset<T>(offset: T): (T | bigint)[] {
    return this.emitter.machine.bits === 64 ? [offset] : [offset, 0n];
  }

  /** Turns bytes in ax, rounded down to a page, into what mmap counts offsets in. */
  toMmapOffset(): void {
    this.code.andImmediate(REG.ax, -Number(PAGE_SIZE));
    const shift = Math.log2(Number(this.emitter.machine.mmapOffsetUnit));
    if (shift > 0) this.code.shiftRight(REG.ax, shift);
  }

  /** Emits `body` in a loop over all PT_LOADs. It begins with bx at the header and may change every register. */
  forEachLoad(body: () => void): void {
    const { code, emitter } = this;
    const [next, skip] = [code.label(), code.label()];
    code.moveImmediate(REG.bx, emitter.dataPlace(TABLE));
    code.store(this.variable('header'), REG.bx);
    code.place(next);
    code.load32(REG.cx, this.phdr('p_type'));
    code.compareImmediate(REG.cx, PT_LOAD);
    code.jumpIf('notEqual', skip);
    body();
    code.place(skip);
    code.load(REG.bx, this.variable('header'));
    code.addImmediate(REG.bx, this.fields.phdr.size);
    code.store(this.variable('header'), REG.bx);
    code.load(REG.cx, this.variable('tableEnd'));
    code.compare(REG.bx, REG.cx);
    code.jumpIf('below', next);
  }
}
