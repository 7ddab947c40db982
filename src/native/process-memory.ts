/** The memory of another process. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { declare, koffi } from './koffi.ts';
import { SystemError } from './libc.ts';

const readv = declare(
  'intptr_t process_vm_readv(int pid, void *local, unsigned long locals, void *remote, unsigned long remotes, unsigned long flags)',
);

/** Bytes of struct iovec. */
const IOVEC_SIZE = 16;

export class ProcessMemory {
  readonly #pid: number;
  readonly #fd: number;
  readonly #local = Buffer.alloc(IOVEC_SIZE);
  readonly #remote = Buffer.alloc(IOVEC_SIZE);

  /** Throws EACCES or EPERM where this process may not. */
  constructor(pid: number) {
    this.#pid = pid;
    this.#fd = openSync(`/proc/${pid}/mem`, 'r+');
  }

  /** All of `into`, or throws. process_vm_readv(2) */
  read(address: bigint, into: Uint8Array): void {
    const base = koffi().address(into);
    for (let done = 0; done < into.length; ) {
      const left = BigInt(into.length - done);
      this.#local.writeBigUInt64LE(base + BigInt(done), 0);
      this.#local.writeBigUInt64LE(left, 8);
      this.#remote.writeBigUInt64LE(address + BigInt(done), 0);
      this.#remote.writeBigUInt64LE(left, 8);
      const result = Number(readv(this.#pid, this.#local, 1, this.#remote, 1, 0));
      done += result > 0 ? result : this.#force(address, into, done);
    }
  }

  /** What the process itself may not read; slower. */
  #force(address: bigint, into: Uint8Array, done: number): number {
    const result = readSync(this.#fd, into, done, into.length - done, Number(address) + done);
    if (result === 0) throw new SystemError('process_vm_readv', koffi().errno());
    return result;
  }

  bytes(address: bigint, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    this.read(address, bytes);
    return bytes;
  }

  /** Also where the process itself may not write: such a page becomes its own. proc_pid_mem(5) */
  write(address: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, Number(address) + done);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
