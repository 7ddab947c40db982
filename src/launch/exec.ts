/**
 * Becomes the program: writes the stub into a memfd, undoes what Node did to the process as far as the
 * process can still know, and executes the stub. Returns only by throwing.
 */
import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { emitStub } from '../emit/stub.ts';
import { ForeignError } from '../errors.ts';
import { execDescriptor, memfdExecutable, resetSignal, SystemError, setCloseOnExec } from '../native/libc.ts';
import type { Plan } from '../plan/plan.ts';

/** Node ignores these for itself; a program expects their defaults. */
const SIGNALS_NODE_IGNORES = [constants.signals.SIGPIPE, 25 /* SIGXFSZ, which node:os leaves out */];
const STDIO = [0, 1, 2];

export async function execPlan(plan: Plan): Promise<never> {
  const payloads = await Promise.all(
    plan.payloads.map(({ source, offset, size }) => source.read(offset, size)),
  );
  const descriptors = plan.files.map(({ fd }) => fd);
  const stub = emitStub(plan, descriptors, payloads);
  const fd = stubFile(plan, stub);
  try {
    // Node marked every descriptor it found close-on-exec; the stub needs the plan's files as well.
    for (const open of [...STDIO.filter(isOpen), ...descriptors]) setCloseOnExec(open, false);
    SIGNALS_NODE_IGNORES.forEach(resetSignal);
    execDescriptor(fd, plan.comm);
  } catch (cause) {
    closeSync(fd);
    for (const open of descriptors) setCloseOnExec(open, true);
    throw refusal(cause);
  }
}

function stubFile(plan: Plan, stub: Uint8Array): number {
  let fd: number;
  try {
    fd = memfdExecutable(Buffer.from(plan.comm).toString());
  } catch (cause) {
    throw refusal(cause);
  }
  for (let done = 0; done < stub.length; ) done += writeSync(fd, stub, done);
  return fd;
}

function isOpen(fd: number): boolean {
  try {
    setCloseOnExec(fd, false);
    return true;
  } catch {
    return false;
  }
}

function refusal(cause: unknown): unknown {
  if (!(cause instanceof SystemError)) return cause;
  const hint =
    cause.errno === 'EACCES'
      ? 'executing from memory may be forbidden: see vm.memfd_noexec and run-foreign check'
      : 'run-foreign check says what this machine allows';
  return new ForeignError('MACHINE_REFUSED', `cannot be started from memory: ${cause.message}`, {
    hint,
    cause,
  });
}
