/** ELF programs for other machines, which QEMU's user mode runs: `qemu-aarch64 … program`. */
import { defineLoader, head, Structure } from 'run-foreign/loader';
import { findInterpreter, refuseBehindLine } from '../interpreted.ts';
import { LOOKED_AT, machineOf, magics } from './machines.ts';

export const qemu = defineLoader({
  name: 'qemu',
  apiVersion: 1,
  kind: 'program',
  description: 'ELF programs for other machines, which qemu-MACHINE runs if it is installed',
  get magics() {
    return magics();
  },
  async probe(source) {
    return machineOf(await head(source, LOOKED_AT)) === undefined ? null : 'exact';
  },
  async load(source, context) {
    const machine = machineOf(await head(source, LOOKED_AT));
    if (machine === undefined) {
      const start = await Structure.read(source, 0, 20, 'ELF header');
      throw start.error('is no ELF program for a machine that QEMU has', 18, 'e_machine', start.u16(18));
    }
    const what = `is a program for ${machine}`;
    refuseBehindLine(source, what);
    const path = findInterpreter(
      {
        commands: [`qemu-${machine}`, `qemu-${machine}-static`],
        what,
        origin: 'it is part of QEMU, on Debian in the package qemu-user',
      },
      context,
    );
    // Its own name for argv[0]; without, a program would get its path.
    const [argv0] = context.argv;
    const args = argv0 === undefined ? [] : [Buffer.from('-0'), argv0];
    return { kind: 'interpreter', path, args: [...args, Buffer.from('--')] };
  },
});
