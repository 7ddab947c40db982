/**
 * Descriptors that outlive the exec: what a program that is started by execve finds open, beside the caller's own. Under
 * the launcher they are its process's.
 */
import { type ExecRequest, emitExecStub } from '../emit/exec-stub.ts';
import { setCloseOnExec } from '../native/libc.ts';
import { becomeStub } from './exec.ts';
import { launched } from './launched.ts';
import { createStubFile } from './stub-file.ts';

/** The numbers that these will have. Throws TOO_BIG and MACHINE_REFUSED. */
export function inherit(fds: readonly number[]): number[] {
  const launcher = launched();
  if (launcher !== undefined) return launcher.give(fds);
  for (const fd of fds) setCloseOnExec(fd, false);
  return [...fds];
}

/** The process that executes: what it has open stands in /proc under this number. */
export function executingProcess(): number {
  return launched() === undefined ? process.pid : process.ppid;
}

/** Becomes a program by execve. Returns only by throwing. */
export function becomeExecutable(request: ExecRequest): never {
  const file = createStubFile('run-foreign');
  file.finish(emitExecStub(request));
  const launcher = launched();
  if (launcher === undefined) becomeStub(file.fd, Buffer.from('run-foreign'), []);
  const [stub = -1] = launcher.give([file.fd]);
  return launcher.become(stub);
}
