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
  readonly #streams: Step[] = [];

  /** The name under which everybody finds an open file as long as the debugger runs. */
  nameOf(fd: number): string {
    return `/proc/${executingProcess()}/fd/${this.#give([fd])}`;
  }

  debugFile(file: DebugFile): Uint8Array {
    return 'path' in file ? file.path : Buffer.from(this.nameOf(file.fd));
  }

  /** Standard streams that the debugger takes for itself, and the program gets all the same. */
  keepStreams(streams: readonly number[]): void {
    for (const to of streams) this.#streams.push({ op: 'stream', descriptor: this.#give([to]), to });
  }

  /** The stub's number there. It is the last to be handed over. Throws what filling the vault does, and MACHINE_REFUSED. */
  async stub(plan: Plan, progress: OnProgress = () => {}): Promise<number> {
    const name = Buffer.from(plan.comm).toString();
    const vault = vaultOf(plan);
    const vaultFd = vault === undefined ? -1 : await createVault(vault, name, progress);
    const files = inherit(plan.files.map((file) => ('fd' in file ? file.fd : vaultFd)));
    const stub = createStubFile(name);
    const number = this.#give([stub.fd]);
    stub.finish(await stubBytes(this.#withOwnSteps(plan), files));
    return number;
  }

  /** What the plan says of standard input comes behind, and so wins. */
  #withOwnSteps(plan: Plan): Plan {
    const drops = this.#numbers.map((descriptor): Step => ({ op: 'drop', descriptor }));
    const steps = plan.steps.flatMap((step): Step[] => {
      if (step.op === 'name') return [step, ...this.#streams];
      return step.op === 'stop' ? [...drops, step] : [step];
    });
    return { ...plan, steps };
  }

  #give(fds: readonly number[]): number {
    const [number = -1] = inherit(fds);
    this.#numbers.push(number);
    return number;
  }
}
