/**
 * The launcher as Node has it, at the other end of a socket: what its process does for ours (src/launcher/protocol.ts).
 * What it cannot do is no error here: `undefined` says so, and there are other ways.
 */
import { constants as files, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { ERRNO } from '../errno.ts';
import { EXIT, ForeignError } from '../errors.ts';
import { exit } from '../exit.ts';
import { Calls, MAX_CALLS } from '../launcher/calls.ts';
import { BLOCK_ADDRESS } from '../launcher/data.ts';
import { CMSG_HEADER, CONTROL_SIZE, MAX_DESCRIPTORS, MESSAGE, socketFrom } from '../launcher/protocol.ts';
import { SYS } from '../launcher/system-calls.ts';
import { MFD, sendDescriptors } from '../native/libc.ts';
import { writeAll } from './write.ts';

/** include/uapi/asm-generic/fcntl.h, include/uapi/linux/fcntl.h */
const O_CLOEXEC = 0o2000000;
const AT_EMPTY_PATH = 0x1000;
/** include/uapi/linux/prctl.h */
const PR_SET_DUMPABLE = 4;
/** No address of a user's. */
const UNREADABLE = -8;

/** What the launcher has to become a program with. */
export interface Prepared {
  /** The stub's memfd, for us to write to and close. */
  readonly writer: number;
  /** Its number there. */
  readonly stub: number;
  /** The numbers of the files there. */
  readonly files: readonly number[];
}

export class Launched {
  readonly socket: number;
  /** Whether /proc is of our PID namespace, so that what stands under our PIDs there is ours. */
  readonly #proc: boolean;

  constructor(socket: number) {
    this.socket = socket;
    this.#proc = ownPid() === process.pid;
  }

  /**
   * The errno with which execve would refuse the file open here as `fd`, or 0: execve checks the file first
   * (execveRefusal in src/native/libc.ts), and the launcher is who will execute.
   */
  execveRefusal(fd: number): number | undefined {
    if (!this.#proc) return undefined;
    const calls = new Calls(BLOCK_ADDRESS);
    // Closed by the exec at the end, as nobody needs it sooner.
    const path = calls.text(ownFile(fd));
    const opened = calls.add(SYS.open, [path, READ | O_CLOEXEC], 0);
    const asked = calls.add(SYS.execveat, [-1, calls.text(NO_PATH), UNREADABLE, UNREADABLE, AT_EMPTY_PATH]);
    const [file = -1, result = 0] = this.#make(calls, [opened, asked]);
    if (file < 0 || result >= 0) return undefined;
    return result === -ERRNO.EFAULT ? 0 : -result;
  }

  /** Makes the stub's memfd, called `name`, and opens `fds` there, all of which must be regular files. */
  prepare(name: string, fds: readonly number[]): Prepared | undefined {
    if (!this.#proc || !fds.every((fd) => fstatSync(fd).isFile())) return undefined;
    // Kernels before 6.3 do not know the newer flag and need not be told.
    for (const flags of [MFD.CLOEXEC | MFD.EXEC, MFD.CLOEXEC]) {
      const [stub = -1, ...opened] = this.#memfdAndFiles(name, flags, fds);
      const writer = [stub, ...opened].every((fd) => fd >= 0) ? this.#writerFor(stub) : undefined;
      if (writer !== undefined) return { writer, stub, files: opened };
      this.#close([stub, ...opened]);
      if (stub !== -ERRNO.EINVAL) return undefined;
    }
    return undefined;
  }

  /** Whether nobody but the superuser can look into the launcher from now on. */
  seclude(): boolean {
    const calls = new Calls(BLOCK_ADDRESS);
    const [result] = this.#make(calls, [calls.add(SYS.prctl, [PR_SET_DUMPABLE, 0])]);
    return result === 0;
  }

  /** Gives it descriptors and returns the numbers they have there. Throws TOO_BIG and MACHINE_REFUSED. */
  give(fds: readonly number[]): number[] {
    if (fds.length > MAX_DESCRIPTORS) {
      throw new ForeignError('TOO_BIG', `consists of ${fds.length - 1} files, more than can be passed on`);
    }
    sendDescriptors(this.socket, fds);
    const answer = Buffer.alloc(CONTROL_SIZE);
    readSync(this.socket, answer);
    // What does not fit into the launcher's table of descriptors is left out by the kernel (MSG_CTRUNC).
    if (Number(answer.readBigUInt64LE(0)) !== CMSG_HEADER + fds.length * 4) {
      throw new ForeignError('MACHINE_REFUSED', 'cannot be started: too many open files (EMFILE)', {
        hint: 'see ulimit -n',
      });
    }
    return fds.map((_, index) => answer.readInt32LE(CMSG_HEADER + index * 4));
  }

  /**
   * Lets the launcher end this process and execute its file `stub`. What it then cannot do it says itself. If it is gone,
   * there is nobody to tell.
   */
  become(stub: number): never {
    const message = Buffer.alloc(MESSAGE.start);
    message.writeBigInt64LE(BigInt(stub), 0);
    writeAll(this.socket, message);
    readSync(this.socket, Buffer.alloc(1));
    exit(EXIT.ours);
  }

  /** What the calls have come to: the number of the memfd and of each file, or negative errors. */
  #memfdAndFiles(name: string, flags: number, fds: readonly number[]): number[] {
    let calls = new Calls(BLOCK_ADDRESS);
    let results = [calls.add(SYS.memfd_create, [calls.text(Buffer.from(name)), flags])];
    const made: number[] = [];
    for (const fd of fds) {
      if (results.length === MAX_CALLS) {
        made.push(...this.#make(calls, results));
        [calls, results] = [new Calls(BLOCK_ADDRESS), []];
      }
      // The stub needs them, so they are not closed by an exec.
      results.push(calls.add(SYS.open, [calls.text(ownFile(fd)), READ]));
    }
    return [...made, ...this.#make(calls, results)];
  }

  #close(fds: readonly number[]): void {
    for (const fd of fds.filter((each) => each >= 0)) {
      const calls = new Calls(BLOCK_ADDRESS);
      this.#make(calls, [calls.add(SYS.close, [fd])]);
    }
  }

  #writerFor(stub: number): number | undefined {
    try {
      return openSync(`/proc/${process.ppid}/fd/${stub}`, files.O_RDWR);
    } catch {
      return undefined;
    }
  }

  /** Returns what stands at `results` afterwards; nothing, if the launcher does not answer. */
  #make(calls: Calls, results: readonly number[]): number[] {
    writeAll(this.socket, calls.bytes);
    const answer = Buffer.alloc(MESSAGE.calls);
    if (readSync(this.socket, answer) !== answer.length) return results.map(() => -1);
    return results.map((at) => Number(answer.readBigInt64LE(at)));
  }
}

const READ = files.O_RDONLY | files.O_NOCTTY;
const NO_PATH = Buffer.alloc(0);

const ownFile = (fd: number) => Buffer.from(`/proc/${process.pid}/fd/${fd}`);

function ownPid(): number | undefined {
  try {
    return Number(readlinkSync('/proc/self'));
  } catch {
    return undefined;
  }
}

let found: Launched | null | undefined;

/** The launcher, if it started us. */
export function launched(): Launched | undefined {
  if (found === undefined) {
    const socket = socketFrom(process.argv0);
    found = socket !== undefined && isSocket(socket) ? new Launched(socket) : null;
  }
  return found ?? undefined;
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
