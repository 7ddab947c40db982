/** Common ground of the stub's two pieces of code: places, system calls and what they report. */
import type { Place } from '../process/place.ts';
import { BASE_OFFSET, DATA } from './data-page.ts';
import type { Machine, SystemCall } from './machine.ts';
import { type Label, type Memory, REG, type Register, X86 } from './x86.ts';

/** A system call's argument: a number, a place, or what the data page holds at an offset, plus some bytes. */
export type Argument = bigint | Place | { readonly data: number; readonly plus?: bigint };

/** Results above this, unsigned, are errors: -4095 … -1. */
const LAST_RESULT = -4096;

export class Emitter {
  readonly machine: Machine;
  readonly code: X86;
  readonly dataAddress: bigint;

  constructor(machine: Machine, origin: bigint, dataAddress: bigint) {
    this.machine = machine;
    this.code = new X86(machine.bits, origin);
    this.dataAddress = dataAddress;
  }

  get wordSize(): number {
    return this.machine.bits / 8;
  }

  /** The memory operand for an offset in the data page. */
  data(offset: number): Memory {
    const { dataRegister } = this.machine;
    return dataRegister === undefined
      ? { address: Number(this.dataAddress) + offset }
      : { base: dataRegister, displacement: offset };
  }

  /** The address of an offset in the data page. */
  dataPlace(offset: number): bigint {
    return this.dataAddress + BigInt(offset);
  }

  /** Where the stub remembers the kernel's auxv entry of this AT_ number: an offset in the data page. */
  auxvOffset(type: number): number {
    return DATA.auxv + type * this.wordSize;
  }

  auxv(type: number): Memory {
    return this.data(this.auxvOffset(type));
  }

  load(register: Register, argument: Argument): void {
    if (typeof argument === 'bigint') this.code.moveImmediate(register, argument);
    else if ('data' in argument) {
      this.code.moveImmediate(register, argument.plus ?? 0n);
      this.code.addFrom(register, this.data(argument.data));
    } else {
      this.code.moveImmediate(register, argument.offset);
      if (argument.base !== 'absolute') this.code.addFrom(register, this.data(BASE_OFFSET[argument.base]));
    }
  }

  /** The result is in ax. */
  systemCall(name: SystemCall, ...args: Argument[]): void {
    this.systemCallNumber(this.machine.systemCalls[name], ...args);
  }

  /** A system call by its number in this machine's table. */
  systemCallNumber(number: number, ...args: Argument[]): void {
    args.forEach((argument, index) => {
      const register = this.machine.parameters[index];
      if (register === undefined) throw new Error(`system call ${number} has too many arguments`);
      this.load(register, argument);
    });
    this.code.moveImmediate(REG.ax, BigInt(number));
    this.code.systemCall();
  }

  /** Goes to `label` when the system call just made has failed: the error is in ax. */
  jumpOnError(label: Label): void {
    this.code.compareImmediate(REG.ax, LAST_RESULT);
    this.code.jumpIf('above', label);
  }

  /** Goes to `label` when the system call just made has not failed. */
  jumpUnlessError(label: Label): void {
    this.code.compareImmediate(REG.ax, LAST_RESULT);
    this.code.jumpIf('belowOrEqual', label);
  }

  copyBytes(from: Argument, to: Argument, size: bigint): void {
    this.load(REG.si, from);
    this.load(REG.di, to);
    this.code.moveImmediate(REG.cx, size);
    this.code.repeatMoveBytes();
  }
}
