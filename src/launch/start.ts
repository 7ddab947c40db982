/**
 * The end of the pipeline: the stub goes into a file in memory and a process executes it. That process is the
 * launcher's where the launcher started us (src/launcher/protocol.ts), because then nothing of it was touched by
 * Node; else it is this one.
 */
import { closeSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import { closeDescriptor, SystemError } from '../native/libc.ts';
import { forget } from '../native/seclude.ts';
import { vaultOf } from '../plan/plan.ts';
import type { OnProgress } from '../source/source.ts';
import { type Trace, tell, timed, timedNow } from '../trace.ts';
import { closeProcesses } from './confidential.ts';
import { becomeStub } from './exec.ts';
import { executingProcess } from './inherited.ts';
import { launched } from './launched.ts';
import type { StartPlan } from './prepare.ts';
import { stubBytes } from './stub-bytes.ts';
import { createStubFile, makeUnreadable } from './stub-file.ts';
import { createVault } from './vault.ts';
import { writeAll } from './write.ts';

/** Who is told of a start. */
export interface StartListeners {
  /** Told what is unusual about the start. */
  readonly say: (text: string) => void;
  readonly progress: OnProgress;
  /** Called when nothing more will be told: the next to write is the program. */
  readonly starting: () => void;
  /** Told of every step. */
  readonly trace?: Trace | undefined;
}

/** Becomes the program; returns only by throwing. `filled` is the plan's vault if that is there already. */
export async function startPlan(plan: StartPlan, listeners: StartListeners, filled?: number): Promise<never> {
  const own: (() => void)[] = [];
  try {
    return await start(plan, listeners, own, filled);
  } catch (cause) {
    for (const close of own) close();
    if (!(cause instanceof SystemError)) throw cause;
    throw new ForeignError('MACHINE_REFUSED', `cannot be started from memory: ${cause.message}`, {
      hint: 'run-foreign check says what this machine allows',
      cause,
    });
  }
}

/** `own` collects what closes the descriptors that are opened here. */
async function start(
  plan: StartPlan,
  listeners: StartListeners,
  own: (() => void)[],
  filled: number | undefined,
): Promise<never> {
  const { say, progress, starting, trace } = listeners;
  const name = Buffer.from(plan.comm).toString();
  const vault = vaultOf(plan);
  const confidential = vault?.confidential === true;
  const launcher = launched();
  if (confidential) closeProcesses(launcher);
  let vaultFd = filled ?? -1;
  if (vault !== undefined && filled === undefined) {
    const filling = { event: 'vault', ...(!confidential && { bytes: vault.size }) } as const;
    vaultFd = await timed(trace, filling, () => createVault(vault, name, progress));
    own.push(() => closeDescriptor(vaultFd));
  }
  if (confidential) await forget();
  const fds = plan.files.map((file) => ('fd' in file ? file.fd : vaultFd));
  // The launcher cannot open what this process has, once it is closed to others.
  const prepared = confidential
    ? undefined
    : launcher &&
      timedNow(trace, { event: 'memory-file', by: 'launcher' }, () => launcher.prepare(name, fds));
  const stub = (numbers: readonly number[]) =>
    timed(
      trace,
      { event: 'stub' },
      () => stubBytes(plan, numbers),
      ({ length }) => (confidential ? {} : { bytes: length }),
    );
  if (launcher !== undefined && prepared !== undefined) {
    own.push(() => closeSync(prepared.writer));
    writeAll(prepared.writer, await stub(prepared.files));
    // Who executes a file must find nobody who could still write to it.
    own.pop();
    closeSync(prepared.writer);
    tellExec(trace);
    starting();
    return launcher.become(prepared.stub);
  }
  const file = timedNow(trace, { event: 'memory-file', by: 'node' }, () => createStubFile(name));
  own.push(() => file.close());
  if (confidential) makeUnreadable(file);
  if (file.directory !== undefined)
    say(
      `vm.memfd_noexec forbids executing from memory, the stub stands in a nameless file in ${file.directory}`,
    );
  if (launcher === undefined) {
    say('started without the launcher: what Node has changed in its process cannot all be undone');
    file.finish(await stub(fds));
    tellExec(trace);
    starting();
    becomeStub(file.fd, plan.comm, fds);
  }
  const passing = { event: 'hand-over', ...(!confidential && { files: fds.length + 1 }) } as const;
  const [number = -1, ...numbers] = timedNow(trace, passing, () => launcher.give([file.fd, ...fds]));
  file.finish(await stub(numbers));
  tellExec(trace);
  starting();
  return launcher.become(number);
}

/**
 * The last that can be told: afterwards we are gone, and what goes wrong the launcher, the stub or, if that is executed first,
 * the debugger says itself.
 */
export function tellExec(trace: Trace | undefined, debuggedBy?: string): void {
  const by = debuggedBy ?? (launched() === undefined ? 'node' : 'launcher');
  tell(trace, { event: 'exec', by, pid: executingProcess() });
}
