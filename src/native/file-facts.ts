/** What only the kernel knows of another process's descriptors and limits. */
import { declare, koffi } from './koffi.ts';
import { SystemError } from './libc.ts';

const kcmpCall = declare(
  'long syscall(long number, int pid1, int pid2, int type, unsigned long a, unsigned long b)',
);
const NR_kcmp = 312;
const KCMP_FILE = 0;

/** Whether two descriptors of a process share an open file description. kcmp(2) */
export function sameOpenFile(pid: number, left: number, right: number): boolean {
  const result = Number(kcmpCall(NR_kcmp, pid, pid, KCMP_FILE, left, right));
  if (result < 0) throw new SystemError('kcmp', koffi().errno());
  return result === 0;
}

const robustList = declare('long syscall(long number, int tid, void *head, void *size)');
const NR_get_robust_list = 274;

/** get_robust_list(2); undefined where there is none. */
export function robustListOf(tid: number): { head: bigint; size: bigint } | undefined {
  const [head, size] = [Buffer.alloc(8), Buffer.alloc(8)];
  if (Number(robustList(NR_get_robust_list, tid, head, size)) < 0) return undefined;
  const at = head.readBigUInt64LE();
  return at === 0n ? undefined : { head: at, size: size.readBigUInt64LE() };
}

const pidfdOpen = declare('long syscall(long number, int pid, unsigned int flags)');
const pidfdGetfd = declare('long syscall(long number, int pidfd, int descriptor, unsigned int flags)');
const NR_pidfd_open = 434;
const NR_pidfd_getfd = 438;

/** A copy of another process's descriptor, close-on-exec: the same open file. pidfd_getfd(2) */
export function descriptorOf(pid: number, descriptor: number): number {
  const pidfd = Number(pidfdOpen(NR_pidfd_open, pid, 0));
  if (pidfd < 0) throw new SystemError('pidfd_open', koffi().errno());
  try {
    const fd = Number(pidfdGetfd(NR_pidfd_getfd, pidfd, descriptor, 0));
    if (fd < 0) throw new SystemError('pidfd_getfd', koffi().errno());
    return fd;
  } finally {
    close(pidfd);
  }
}

const close = declare('int close(int fd)');
const fcntl = declare('int fcntl(int fd, int command, int argument)');
const F_GET_SEALS = 1034;
const F_GETPIPE_SZ = 1032;

/** The seals of a file in memory. fcntl(2) */
export function sealsOf(fd: number): number {
  return Math.max(0, fcntl(fd, F_GET_SEALS, 0) as number);
}

/** Bytes. */
export function pipeCapacity(fd: number): number {
  return Math.max(4096, fcntl(fd, F_GETPIPE_SZ, 0) as number);
}

const pipe2 = declare('int pipe2(void *fds, int flags)');
const tee = declare('intptr_t tee(int from, int to, size_t length, unsigned int flags)');
const readCall = declare('intptr_t read(int fd, void *buffer, size_t length)');
const F_SETPIPE_SZ = 1031;
const SPLICE_F_NONBLOCK = 2;
const O_NONBLOCK = 0o4000;

/** What waits in a pipe, which keeps it. `fd` is its reading end. tee(2) */
export function pipeContent(fd: number): Uint8Array {
  const ends = Buffer.alloc(8);
  if ((pipe2(ends, O_NONBLOCK) as number) < 0) throw new SystemError('pipe2', koffi().errno());
  const [from, to] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  try {
    const capacity = pipeCapacity(fd);
    fcntl(to, F_SETPIPE_SZ, capacity);
    const size = Number(tee(fd, to, capacity, SPLICE_F_NONBLOCK));
    if (size <= 0) return new Uint8Array(0);
    const bytes = Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const result = Number(readCall(from, bytes.subarray(done), size - done));
      if (result <= 0) break;
      done += result;
    }
    return bytes.subarray(0, done);
  } finally {
    close(from);
    close(to);
  }
}

const lseek = declare('int64_t lseek(int fd, int64_t offset, int whence)');
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where a file has data, ascending: all of it, where its file system does not know holes. lseek(2) */
export function dataRanges(fd: number, size: bigint): { at: bigint; size: bigint }[] {
  const ranges: { at: bigint; size: bigint }[] = [];
  for (let at = 0n; at < size; ) {
    const data = BigInt(lseek(fd, at, SEEK_DATA) as number | bigint);
    // ENXIO: there is none any more.
    if (data < 0n) return koffi().errno() === ENXIO ? ranges : [{ at: 0n, size }];
    const hole = BigInt(lseek(fd, data, SEEK_HOLE) as number | bigint);
    const end = hole < 0n || hole > size ? size : hole;
    ranges.push({ at: data, size: end - data });
    at = end;
  }
  return ranges;
}

const ENXIO = 6;
