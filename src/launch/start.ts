/**
 * The end of the pipeline: the stub goes into a file in memory and a process executes it. That process is the
 * launcher's where the launcher started us (src/launcher/protocol.ts), because then nothing of it was touched by
 * Node; else it is this one.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { emitStub } from '../emit/stub.ts';
import { EXIT, ForeignError } from '../errors.ts';
import { MAX_DESCRIPTORS, socketFrom } from '../launcher/protocol.ts';
import { SystemError, sendDescriptors } from '../native/libc.ts';
import type { Payload, Plan } from '../plan/plan.ts';
import { becomeStub } from './exec.ts';
import { createStubFile, writeAll } from './stub-file.ts';

/** Becomes the program; returns only by throwing. `say` is told what is unusual about the start. */
export async function startPlan(plan: Plan, say: (text: string) => void): Promise<never> {
  const payloads = await Promise.all(plan.payloads.map(authenticBytes));
  const confidential = plan.payloads.some(({ source }) => source.confidential);
  const fds = plan.files.map(({ fd }) => fd);
  const file = createStubFile(Buffer.from(plan.comm).toString(), confidential);
  if (file.directory !== undefined)
    say(
      `vm.memfd_noexec forbids executing from memory, the stub stands in a nameless file in ${file.directory}`,
    );
  const socket = launcherSocket();
  try {
    if (socket === undefined) {
      say('started without the launcher: what Node has changed in its process cannot all be undone');
      file.finish(emitStub(plan, fds, payloads));
      becomeStub(file.fd, plan.comm, fds);
    }
    const [, ...numbers] = exchange(socket, [file.fd, ...fds]);
    file.finish(emitStub(plan, numbers, payloads));
    writeAll(socket, Buffer.alloc(1));
    waitForTheEnd(socket);
  } catch (cause) {
    closeSync(file.fd);
    if (!(cause instanceof SystemError)) throw cause;
    throw new ForeignError('MACHINE_REFUSED', `cannot be started from memory: ${cause.message}`, {
      hint: 'run-foreign check says what this machine allows',
      cause,
    });
  }
}

/** Whoever made the plan: no byte goes into a stub that was not checked. */
async function authenticBytes({ source, offset, size }: Payload): Promise<Uint8Array> {
  await source.authenticate?.();
  await source.checkAll?.();
  return source.read(offset, size);
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

/** The launcher ends this process; what it then cannot do it says itself. If it is gone, there is nobody to tell. */
function waitForTheEnd(socket: number): never {
  readSync(socket, Buffer.alloc(1));
  process.exit(EXIT.ours);
}
