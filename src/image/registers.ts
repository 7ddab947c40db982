/** struct user_regs_struct (asm/user_64.h), as ptrace and core files have it: 27 words. */
import { REGISTER_NAMES, type Registers } from './process-state.ts';

/** The registers in the bytes of a struct user_regs_struct, of which there must be 216. */
export function parseRegisters(bytes: Uint8Array): Registers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Object.fromEntries(
    REGISTER_NAMES.map((name, index) => [name, view.getBigUint64(index * 8, true)]),
  ) as Registers;
}

/** The bytes of a struct user_regs_struct with these registers. */
export function registerBytes(registers: Registers): Uint8Array {
  const bytes = new Uint8Array(REGISTER_NAMES.length * 8);
  const view = new DataView(bytes.buffer);
  REGISTER_NAMES.forEach((name, index) => {
    view.setBigUint64(index * 8, registers[name], true);
  });
  return bytes;
}
