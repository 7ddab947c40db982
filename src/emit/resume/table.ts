/** Steps → entries → the table's bytes. */
import type { ResumePlan, ResumeStep, Value } from '../../plan/resume-plan.ts';
import { RESUME_CALLS } from '../../plan/resume-plan.ts';
import { messageName } from '../failure.ts';
import {
  ARGUMENTS,
  ENTRY,
  type Entry,
  type FailureHandler,
  type Handler,
  type Operand,
  SLOT,
} from './entry.ts';

/** Where things are that entries refer to. */
export interface TableAddresses {
  /** Stores bytes in the stub and returns their address; the same array is stored once. */
  readonly store: (bytes: Uint8Array) => bigint;
  /** Of one of the plan's files, when the stub begins. */
  readonly files: readonly number[];
}

export class TableBuilder {
  readonly entries: Entry[] = [];
  readonly #at: TableAddresses;
  readonly #prefix: string;

  constructor(plan: ResumePlan, at: TableAddresses) {
    this.#at = at;
    this.#prefix = `run-foreign: ${messageName(plan.program)}: `;
  }

  /** One after the other; what is skipped is counted in steps, and entries may be more. */
  steps(steps: readonly ResumeStep[], other: (step: OtherStep) => void): void {
    const starts: number[] = [];
    const skips: { entry: number; step: number; success: number; error: number }[] = [];
    steps.forEach((step, index) => {
      starts.push(this.entries.length);
      if (step.op === 'call') {
        const entry = this.#call(step);
        const { skipOnSuccess: success = 0, skipOnError: error = 0 } = step;
        if (success > 0 || error > 0) skips.push({ entry, step: index, success, error });
      } else if (step.op === 'threads' || step.op === 'new process') other(step);
      else this.#simple(step);
    });
    starts.push(this.entries.length);
    for (const { entry, step, success, error } of skips) {
      const distance = (count: number) => (starts[step + 1 + count] ?? this.entries.length) - entry - 1;
      const found = this.entries[entry];
      if (found === undefined) throw new Error('no such entry');
      this.entries[entry] = {
        ...found,
        skipOnSuccess: success === 0 ? 0 : distance(success),
        skipOnError: error === 0 ? 0 : distance(error),
      };
    }
  }

  add(handler: Handler, args: readonly Value[], rest: Partial<Entry> = {}): void {
    const operands = args.map((value) => this.#operand(value));
    this.entries.push({ handler, args: operands, failure: 'stop', message: '', ...rest });
  }

  message(what: string): string {
    return `${this.#prefix}cannot ${what}: `;
  }

  #call(step: Extract<ResumeStep, { op: 'call' }>): number {
    const handler: Handler = step.repeat ?? (step.expect === undefined ? 'call' : 'expect');
    const args = step.args.map((value) => this.#operand(value));
    this.entries.push({
      handler,
      number: RESUME_CALLS[step.call],
      args,
      keep: step.keep,
      expect: step.expect === undefined ? undefined : this.#operand(step.expect),
      failure: step.onError,
      message: step.onError === 'ignore' ? '' : this.message(step.what),
    });
    return this.entries.length - 1;
  }

  #simple(step: Exclude<ResumeStep, { op: 'call' } | OtherStep>): void {
    switch (step.op) {
      case 'store':
        this.add(step.size === 4 ? 'store4' : 'store8', [step.value, step.to]);
        break;
      case 'load':
        this.add('load4', [step.from], { keep: step.keep });
        break;
      case 'replace':
        this.add(step.size === 4 ? 'replace4' : 'replace8', [step.value, step.to, step.if]);
        break;
      case 'timer': {
        const id = { bytes: new Uint8Array(8) };
        this.add('timer', [BigInt(step.clock), step.event, id, BigInt(step.id)], {
          message: this.message(step.what),
        });
        break;
      }
    }
  }

  /** What words of an argument are only known when the step comes are stored just before it. */
  #operand(value: Value): Operand {
    if (typeof value === 'bigint') return { value: BigInt.asUintN(64, value) };
    if ('bytes' in value) return { value: this.#at.store(value.bytes) + BigInt(value.plus ?? 0) };
    if ('file' in value) return { value: BigInt(this.#fileNumber(value.file)) };
    if ('kept' in value) return { value: BigInt.asUintN(64, value.plus ?? 0n), slot: value.kept };
    return { value: this.#words(value.words) };
  }

  #words(words: readonly Value[]): bigint {
    const bytes = Buffer.alloc(words.length * 8);
    const address = this.#at.store(bytes);
    words.forEach((word, index) => {
      const operand = this.#operand(word);
      if (operand.slot === undefined) bytes.writeBigUInt64LE(operand.value, index * 8);
      else {
        const to = { value: address + BigInt(index * 8) };
        this.entries.push({ handler: 'store8', args: [operand, to], failure: 'stop', message: '' });
      }
    });
    return address;
  }

  #fileNumber(file: number): number {
    const number = this.#at.files[file];
    if (number === undefined) throw new Error(`the plan's file ${file} has no descriptor`);
    return number;
  }
}

export type OtherStep = Extract<ResumeStep, { op: 'threads' | 'new process' }>;

export interface CodeAddresses {
  readonly handlers: Readonly<Record<Handler, bigint>>;
  readonly failures: Readonly<Record<FailureHandler, bigint>>;
}

/** Slots get their addresses as they are met. */
export function tableBytes(
  entries: readonly Entry[],
  address: bigint,
  code: CodeAddresses,
  slot: (name: string) => bigint,
  store: (bytes: Uint8Array) => bigint,
): Uint8Array {
  const bytes = Buffer.alloc(entries.length * ENTRY.size);
  const messages = new Map<string, bigint>();
  entries.forEach((entry, index) => {
    const word = (field: number, value: bigint) => bytes.writeBigUInt64LE(value, index * ENTRY.size + field);
    const next = (skip = 0) => address + BigInt((index + 1 + skip) * ENTRY.size);
    const operand = (field: number, { value, slot: name = SLOT.zero }: Operand) => {
      word(field, value);
      word(field + 8, slot(name));
    };
    word(ENTRY.handler, code.handlers[entry.handler]);
    word(ENTRY.number, BigInt(entry.number ?? 0));
    for (let argument = 0; argument < ARGUMENTS; argument++) {
      operand(ENTRY.argument + argument * 16, entry.args[argument] ?? { value: 0n });
    }
    word(ENTRY.keep, slot(entry.keep ?? SLOT.trash));
    operand(ENTRY.expect, entry.expect ?? { value: 0n });
    word(ENTRY.onSuccess, next(entry.skipOnSuccess));
    word(ENTRY.onError, next(entry.skipOnError));
    word(ENTRY.failure, code.failures[entry.failure]);
    const text = Buffer.from(entry.message);
    let message = messages.get(entry.message);
    if (message === undefined) {
      message = store(text);
      messages.set(entry.message, message);
    }
    word(ENTRY.message, message);
    word(ENTRY.messageSize, BigInt(text.length));
  });
  return bytes;
}
