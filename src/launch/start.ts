/**
 * The end of the pipeline: the stub goes into a memfd and a process executes it. That process is the launcher's
 * where the launcher started us (src/launcher/protocol.ts), because then nothing of it was touched by Node; else
 * it is this one.
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { emitStub } from '../emit/stub.ts';
import { ForeignError } from '../errors.ts';
import { MAX_DESCRIPTORS, socketFrom } from '../launcher/protocol.ts';
import { memfdExecutable, SystemError, sendDescriptors } from '../native/libc.ts';
import type { Plan } from '../plan/plan.ts';
import { becomeStub } from './exec.ts';

/** Becomes the program; returns only by throwing. */
export async function startPlan(plan: Plan): Promise<never> {
  const payloads = await Promise.all(
    plan.payloads.map(({ source, offset, size }) => source.read(offset, size)),
  );
  const fds = plan.files.map(({ fd }) => fd);
  const memfd = stubFile(plan);
  const socket = launcherSocket();
  try {
    if (socket === undefined) {
      writeAll(memfd, emitStub(plan, fds, payloads));
      becomeStub(memfd, plan.comm, fds);
    }
    const numbers = exchange(socket, [memfd, ...fds]);
    writeAll(memfd, emitStub(plan, numbers.slice(1), payloads));
    writeAll(socket, Buffer.alloc(1));
    return await untilEnded();
  } catch (cause) {
    closeSync(memfd);
    throw refusal(cause);
  }
}

/** Our end of the socket to the launcher, if it started us. */
function launcherSocket(): number | undefined {
  const socket = socketFrom(process.argv0);
  try {
    return socket !== undefined && fstatSync(socket).isSocket() ? socket : undefined;
  } catch {
    return undefined;
  }
}

/** Gives descriptors to the launcher and returns the numbers they have there. */
function exchange(socket: number, fds: readonly number[]): number[] {
  if (fds.length > MAX_DESCRIPTORS) {
    throw new ForeignError('TOO_BIG', `consists of ${fds.length - 1} files, more than can be passed on`);
  }
  sendDescriptors(socket, fds);
  const answer = Buffer.alloc(fds.length * 4);
  const size = readSync(socket, answer);
  // What does not fit into the launcher's table of descriptors is left out by the kernel (MSG_CTRUNC).
  if (size !== answer.length) {
    throw new ForeignError('MACHINE_REFUSED', 'cannot be started: too many open files (EMFILE)', {
      hint: 'see ulimit -n',
    });
  }
  return fds.map((_, index) => answer.readInt32LE(index * 4));
}

/** The launcher ends this process; what it then cannot do it says itself. */
function untilEnded(): Promise<never> {
  return new Promise(() => {
    setInterval(() => {}, 1 << 30);
  });
}

function stubFile(plan: Plan): number {
  try {
    return memfdExecutable(Buffer.from(plan.comm).toString());
  } catch (cause) {
    throw refusal(cause);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
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
