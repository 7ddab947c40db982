/**
 * The file that is executed: a memfd, or, where vm.memfd_noexec=2 forbids executing one, a file without a name in
 * a directory where programs may be executed, in memory if there is such a one.
 */
import { accessSync, closeSync, constants, fchmodSync, openSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import { closeDescriptor, memfdExecutable, SystemError, sealFile } from '../native/libc.ts';
import { writeAll } from './write.ts';

/** include/uapi/asm-generic/fcntl.h: __O_TMPFILE and O_DIRECTORY, open(2). */
const O_TMPFILE = 0o20200000;

export interface StubFile {
  /** What is executed. */
  readonly fd: number;
  /** Where the file is, when it is not a memfd. */
  readonly directory?: string;
  /** Writes all of the file, once: who executes a file must find nobody who could still write to it. */
  finish(bytes: Uint8Array): void;
  /** When it is executed, or will not be. */
  close(): void;
}

/**
 * `name` is shown by /proc/PID/exe where that cannot be set. A file that is `lasting` is executed more than once, so what
 * could be changed in between is sealed. Throws MACHINE_REFUSED.
 */
export function createStubFile(name: string, { lasting = false } = {}): StubFile {
  try {
    const fd = memfdExecutable(name, lasting);
    const finish = (bytes: Uint8Array) => {
      writeAll(fd, bytes);
      if (lasting) sealFile(fd);
    };
    return { fd, finish, close: () => closeDescriptor(fd) };
  } catch (cause) {
    const forbidden = cause instanceof SystemError && cause.errno === 'EACCES';
    const file = forbidden ? namelessFile() : undefined;
    if (file !== undefined) return file;
    throw refusal(cause, forbidden);
  }
}

/**
 * Takes everybody's right to read the file. Whom its owner executes it for cannot be looked into from the first
 * moment on (would_dump in fs/exec.c), long before the stub could say so; the superuser's process can until then.
 */
export function makeUnreadable({ fd }: StubFile): void {
  fchmodSync(fd, 0o100);
}

/** The first directory that lets a file be executed; those in memory come first. */
function namelessFile(): StubFile | undefined {
  const { XDG_RUNTIME_DIR, TMPDIR } = process.env;
  for (const directory of ['/dev/shm', XDG_RUNTIME_DIR, TMPDIR, '/tmp', '/var/tmp']) {
    if (directory === undefined || !directory.startsWith('/')) continue;
    let writer: number | undefined;
    try {
      writer = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);
      const own = `/proc/self/fd/${writer}`;
      // EACCES on a file system that is mounted noexec.
      accessSync(own, constants.X_OK);
      return { ...fileBehind(writer, openSync(own, constants.O_RDONLY)), directory };
    } catch {
      if (writer !== undefined) closeSync(writer);
    }
  }
  return undefined;
}

function fileBehind(writer: number, fd: number): StubFile {
  let writing = true;
  const endWriting = () => {
    if (writing) closeSync(writer);
    writing = false;
  };
  return {
    fd,
    finish(bytes) {
      writeAll(writer, bytes);
      endWriting();
    },
    close() {
      endWriting();
      closeSync(fd);
    },
  };
}

function refusal(cause: unknown, forbidden: boolean): unknown {
  if (!(cause instanceof SystemError)) return cause;
  const hint = forbidden
    ? 'executing from memory is forbidden, as root: sysctl vm.memfd_noexec=1, also in the container'
    : 'run-foreign check says what this machine allows';
  return new ForeignError('MACHINE_REFUSED', `cannot be started from memory: ${cause.message}`, {
    hint,
    cause,
  });
}
