/**
 * What emitted code does when a step fails: nobody else is left to say it. It writes the step's message
 * and the name of the error to standard error and ends.
 */
import { errnoName, HIGHEST_ERRNO } from '../errno.ts';
import { printable } from '../errors.ts';
import { DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { type Label, REG } from './x86.ts';

/** Bytes of an entry of the name table: a length, then the name. */
const NAME_ENTRY = 16;
const NAME_SHIFT = 4;
const STDERR = 2n;

/** Longer names are cut in the stub's messages, so that they fit beside its code. */
const MAX_NAME = 200;

/** A program's name as a message may show it. */
export function messageName(program: string): string {
  const text = printable(program);
  return text.length <= MAX_NAME ? text : `…${text.slice(-MAX_NAME)}`;
}

/** errno names by number, as the stub reads them. */
export function errnoNameTable(): { bytes: Uint8Array; highest: number } {
  let text = '';
  for (let errno = 0; errno <= HIGHEST_ERRNO; errno++) {
    const line = `${errnoName(errno)}\n`.slice(0, NAME_ENTRY - 1);
    text += String.fromCharCode(line.length) + line.padEnd(NAME_ENTRY - 1, '\0');
  }
  return { bytes: Buffer.from(text, 'latin1'), highest: HIGHEST_ERRNO };
}

/** One way to fail: where to jump, and what is said. ax holds the negative errno on the way. */
interface Failure {
  readonly label: Label;
  readonly message: bigint;
  readonly size: bigint;
  /** For steps whose failure has no errno of its own. */
  readonly errno?: number;
}

export class Failures {
  readonly #emitter: Emitter;
  readonly #failures: Failure[] = [];
  readonly #messages = new Map<string, bigint>();
  readonly #store: (bytes: Uint8Array) => bigint;
  readonly #exitStatus: number;

  constructor(emitter: Emitter, store: (bytes: Uint8Array) => bigint, exitStatus: number) {
    this.#emitter = emitter;
    this.#store = store;
    this.#exitStatus = exitStatus;
  }

  /** A label that reports `message` and the error in ax, or `errno`. */
  label(message: string, errno?: number): Label {
    const bytes = Buffer.from(message);
    const address = this.#messages.get(message) ?? this.#store(bytes);
    this.#messages.set(message, address);
    const label = this.#emitter.code.label();
    this.#failures.push({
      label,
      message: address,
      size: BigInt(bytes.length),
      ...(errno !== undefined && { errno }),
    });
    return label;
  }

  /** Emits the code all those labels lead to. */
  emit(): void {
    const { code } = this.#emitter;
    const report = code.label();
    for (const { label, message, size, errno } of this.#failures) {
      code.place(label);
      if (errno !== undefined) code.moveImmediate(REG.ax, BigInt(-errno));
      code.moveImmediate(REG.si, message);
      code.moveImmediate(REG.dx, size);
      code.jump(report);
    }
    code.place(report);
    this.#emitReport();
  }

  #emitReport(): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const table = errnoNameTable();
    const names = this.#store(table.bytes);
    code.negate(REG.ax);
    code.store(emitter.data(DATA.scratch), REG.ax);
    code.store(emitter.data(DATA.scratch2), REG.si);
    code.store(emitter.data(DATA.scratch3), REG.dx);
    emitter.systemCall('write', STDERR, { data: DATA.scratch2 }, { data: DATA.scratch3 });
    const known = code.label();
    code.load(REG.ax, emitter.data(DATA.scratch));
    code.compareImmediate(REG.ax, table.highest + 1);
    code.jumpIf('below', known);
    code.moveImmediate(REG.ax, 0n);
    code.place(known);
    code.shiftLeft(REG.ax, NAME_SHIFT);
    code.moveImmediate(REG.cx, names);
    code.add(REG.ax, REG.cx);
    code.loadByte(REG.dx, { base: REG.ax, displacement: 0 });
    code.addImmediate(REG.ax, 1);
    code.store(emitter.data(DATA.scratch2), REG.ax);
    code.store(emitter.data(DATA.scratch3), REG.dx);
    emitter.systemCall('write', STDERR, { data: DATA.scratch2 }, { data: DATA.scratch3 });
    emitter.systemCall('exit_group', BigInt(this.#exitStatus));
  }
}
