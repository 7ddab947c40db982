/**
 * The only file that calls libc. Each function is a thin, typed wrapper named after its man page;
 * a failing call throws a SystemError with errno's name. Nothing is loaded before the first call.
 */
import { ERRNO, errnoName } from '../errno.ts';
import { declare, koffi } from './koffi.ts';

const memfdCreate = declare('int memfd_create(const char *name, unsigned int flags)');
const closeCall = declare('int close(int fd)');
const fcntlInt = declare('int fcntl(int fd, int command, int argument)');
const signalSet = declare('intptr_t signal(int number, intptr_t handler)');
const execveatPointers = declare('int execveat(int fd, const char *path, void *argv, void *envp, int flags)');
const sendmsgStruct = declare('intptr_t sendmsg(int fd, const void *message, int flags)');
const execveatWords = declare(
  'int execveat(int fd, const char *path, intptr_t argv, intptr_t envp, int flags)',
);
const mmapCall = declare(
  'intptr_t mmap(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
);
const munmapCall = declare('int munmap(intptr_t address, size_t length)');
const prctlWords = declare(
  'int prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)',
);

const mlockallCall = declare('int mlockall(int flags)');

/** A system call failed: `errno` is its name, as `EACCES`. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly call: string;
  readonly errno: string;

  constructor(call: string, errno: number) {
    const name = errnoName(errno);
    super(`${call}: ${name}`);
    this.call = call;
    this.errno = name;
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi().errno());
  return result;
}

/**
 * Closes a descriptor that was made here. Node keeps a list of those that node:fs opens in a worker thread, and warns of
 * others that are closed by node:fs. close(2)
 */
export function closeDescriptor(fd: number): void {
  check('close', closeCall(fd) as number);
}

/** include/uapi/linux/memfd.h */
export const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2, NOEXEC_SEAL: 8, EXEC: 0x10 };

/**
 * An anonymous file in memory that may be executed, close-on-exec; `sealFile` can seal it where `sealable` is set.
 * memfd_create(2). EACCES means that vm.memfd_noexec=2 forbids it.
 */
export function memfdExecutable(name: string, sealable = false): number {
  return memfd(name, MFD.CLOEXEC | (sealable ? MFD.ALLOW_SEALING : 0), MFD.EXEC);
}

/** An anonymous file in memory that cannot be executed, close-on-exec; `sealFile` can seal it. memfd_create(2) */
export function memfdForData(name: string): number {
  return memfd(name, MFD.CLOEXEC | MFD.ALLOW_SEALING, MFD.NOEXEC_SEAL);
}

/** Kernels before 6.3 do not know the newer flag and need not be told. */
function memfd(name: string, flags: number, newer: number): number {
  const result = memfdCreate(name, flags | newer) as number;
  if (result >= 0) return result;
  if (koffi().errno() !== ERRNO.EINVAL) throw new SystemError('memfd_create', koffi().errno());
  return check('memfd_create', memfdCreate(name, flags) as number);
}

/** include/uapi/linux/fcntl.h: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE. */
const F_ADD_SEALS = 1033;
const ALL_SEALS = 0xf;

/** From now on nobody can change a file in memory, whoever has it open. fcntl(2) */
export function sealFile(fd: number): void {
  check('fcntl', fcntlInt(fd, F_ADD_SEALS, ALL_SEALS) as number);
}

const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** Whether `fd` is closed by exec; throws EBADF when it is not open. */
export function isCloseOnExec(fd: number): boolean {
  return (check('fcntl', fcntlInt(fd, F_GETFD, 0) as number) & FD_CLOEXEC) !== 0;
}

export function setCloseOnExec(fd: number, close: boolean): void {
  check('fcntl', fcntlInt(fd, F_SETFD, close ? FD_CLOEXEC : 0) as number);
}

const F_DUPFD_CLOEXEC = 1030;

/** The same file under a number that is at least `least`, close-on-exec. fcntl(2) */
export function duplicateFrom(fd: number, least: number): number {
  return check('fcntl', fcntlInt(fd, F_DUPFD_CLOEXEC, least) as number);
}

/** Sets a signal to SIG_DFL. signal(2). */
export function resetSignal(number: number): void {
  if (Number(signalSet(number, 0)) === -1) throw new SystemError('signal', koffi().errno());
}

const AT_EMPTY_PATH = 0x1000;

/**
 * Becomes the program in `fd`, with one argument and no environment. execveat(2).
 * Returns only by throwing.
 */
export function execDescriptor(fd: number, argv0: Uint8Array): never {
  const string = Buffer.concat([argv0, Buffer.of(0)]);
  const argv = Buffer.alloc(16);
  argv.writeBigUInt64LE(koffi().address(string), 0);
  const envp = Buffer.alloc(8);
  execveatPointers(fd, '', argv, envp, AT_EMPTY_PATH);
  throw new SystemError('execveat', koffi().errno());
}

/** include/linux/socket.h, include/uapi/asm-generic/socket.h */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const CMSG_HEADER = 16;

/**
 * Sends copies of descriptors, with one byte, to the other end of a Unix socket. unix(7), cmsg(3).
 * The kernel takes at most SCM_MAX_FD (253) at once.
 */
export function sendDescriptors(socket: number, fds: readonly number[]): void {
  const byte = Buffer.alloc(1);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(koffi().address(byte), 0);
  vector.writeBigUInt64LE(BigInt(byte.length), 8);
  const control = Buffer.alloc(CMSG_HEADER + Math.ceil(fds.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(CMSG_HEADER + fds.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, index) => {
    control.writeInt32LE(fd, CMSG_HEADER + index * 4);
  });
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi().address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi().address(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  check('sendmsg', Number(sendmsgStruct(socket, message, 0)));
}

/** No address of a user's. */
const UNREADABLE = -8;

/**
 * What execve says of the file open as `fd` before it looks at anything else: the name of an error, or
 * undefined. execve checks the file first (do_open_execat in fs/exec.c: type, permission, noexec, writers)
 * and reads argv next, so with an argv that cannot be read it never gets any further.
 */
export function execveRefusal(fd: number): string | undefined {
  execveatWords(fd, '', UNREADABLE, UNREADABLE, AT_EMPTY_PATH);
  const errno = koffi().errno();
  return errno === ERRNO.EFAULT ? undefined : errnoName(errno);
}

const PAGE_SIZE = 4096;
const PROT_READ = 1;
const MAP_PRIVATE = 2;

/**
 * Whether the page at `offset` of a file can be mapped, be it past its end: the name of an error, or
 * undefined. A file system that has no such offsets says EOVERFLOW. mmap(2)
 */
export function mapRefusal(fd: number, offset: bigint): string | undefined {
  const address = mmapCall(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, offset) as number | bigint;
  if (Number(address) === -1) return new SystemError('mmap', koffi().errno()).errno;
  check('munmap', munmapCall(address, PAGE_SIZE) as number);
  return undefined;
}

/** prctl(2) with plain numbers. Returns its result, or the name of the error. */
export function prctl(option: number, ...args: (bigint | number)[]): number | string {
  const [a2 = 0, a3 = 0, a4 = 0, a5 = 0] = args;
  const result = prctlWords(option, a2, a3, a4, a5) as number;
  return result >= 0 ? result : new SystemError('prctl', koffi().errno()).errno;
}

/** The address of a buffer's first byte, for prctl arguments; the buffer must outlive the call. */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi().address(buffer);
}

/** include/uapi/asm-generic/mman.h */
const MCL = { CURRENT: 1, FUTURE: 2, ONFAULT: 4 };

/** Keeps every page that this process has or will have touched out of swap, where that is allowed. mlockall(2) */
export function lockMemory(): void {
  mlockallCall(MCL.CURRENT | MCL.FUTURE | MCL.ONFAULT);
}

const TIOCGWINSZ = 0x5413;

/** How wide the terminal open as `fd` is, columns; undefined where that is not known. ioctl_tty(2) */
export function terminalColumns(fd: number): number | undefined {
  const size = Buffer.alloc(8);
  const result = declare('int ioctl(int fd, unsigned long request, void *size)')(fd, TIOCGWINSZ, size);
  const columns = size.readUInt16LE(2);
  return result === 0 && columns > 0 ? columns : undefined;
}

/** malloc.h */
const M_PERTURB = -6;

/** Makes free() overwrite what it is given, where the C library can: glibc. mallopt(3) */
export function overwriteFreedMemory(): void {
  try {
    declare('int mallopt(int parameter, int value)')(M_PERTURB, 0xff);
  } catch {
    // musl has no mallopt.
  }
}
