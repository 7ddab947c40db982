/** What the debugger's process has open when it begins: the stub, the plan's files, and what gdb reads. */
import { executingProcess, inherit } from '../../launch/inherited.ts';
import { stubBytes } from '../../launch/stub-bytes.ts';
import { createStubFile } from '../../launch/stub-file.ts';
import { createVault } from '../../launch/vault.ts';
import { type Plan, type Step, vaultOf } from '../../plan/plan.ts';
import type { OnProgress } from '../../source/source.ts';
import type { DebugFile } from './debug-file.ts';

/** Collects what is handed over; the program gets none of it. */
export class HandOver {
  readonly #numbers: number[] = [];

  /** The name under which everybody finds an open file as long as the debugger runs. */
  nameOf(fd: number): string {
    return `/proc/${executingProcess()}/fd/${this.#give([fd])}`;
  }

  debugFile(file: DebugFile): Uint8Array {
    return 'path' in file ? file.path : Buffer.from(this.nameOf(file.fd));
  }

  /** The stub's number there. It is the last to be handed over. Throws what filling the vault does, and MACHINE_REFUSED. */
  async stub(plan: Plan, progress: OnProgress = () => {}): Promise<number> {
    const name = Buffer.from(plan.comm).toString();
    const vault = vaultOf(plan);
    const vaultFd = vault === undefined ? -1 : await createVault(vault, name, progress);
    const files = inherit(plan.files.map((file) => ('fd' in file ? file.fd : vaultFd)));
    const stub = createStubFile(name);
    const number = this.#give([stub.fd]);
    const drops = this.#numbers.map((descriptor): Step => ({ op: 'drop', descriptor }));
    const at = plan.steps.findIndex(({ op }) => op === 'stop');
    const steps = [...plan.steps.slice(0, at), ...drops, ...plan.steps.slice(at)];
    stub.finish(await stubBytes({ ...plan, steps }, files));
    return number;
  }

  #give(fds: readonly number[]): number {
    const [number = -1] = inherit(fds);
    this.#numbers.push(number);
    return number;
  }
}
