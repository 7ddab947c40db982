/** A socket that waits for one connection from this machine. ip(7), tcp(7), socket(2), accept4(2) */
import { declare, koffi } from './koffi.ts';
import { closeDescriptor, SystemError } from './libc.ts';

const socketCall = declare('int socket(int domain, int type, int protocol)');
const setOption = declare('int setsockopt(int fd, int level, int name, void *value, unsigned int size)');
const bindCall = declare('int bind(int fd, void *address, unsigned int size)');
const listenCall = declare('int listen(int fd, int backlog)');
const acceptCall = declare('int accept4(int fd, void *address, void *size, int flags)');

/** include/linux/socket.h, include/linux/net.h, include/uapi/asm-generic/socket.h, include/uapi/linux/tcp.h */
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** struct sockaddr_in: family, port and address, the latter two in network order. */
const SOCKADDR = { size: 16, port: 2, address: 4 } as const;
const LOOPBACK = [127, 0, 0, 1];

/** Somebody has connected. */
export interface Connection {
  readonly fd: number;
  /** The other end's. */
  readonly port: number;
}

function checked(call: string, result: unknown): number {
  if ((result as number) < 0) throw new SystemError(call, koffi().errno());
  return result as number;
}

function enable(fd: number, level: number, option: number): void {
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  checked('setsockopt', setOption(fd, level, option, one, one.length));
}

/** Listens on 127.0.0.1 from now on. Throws SystemError. */
export function listenHere(port: number): number {
  const fd = checked('socket', socketCall(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  try {
    enable(fd, SOL_SOCKET, SO_REUSEADDR);
    const address = Buffer.alloc(SOCKADDR.size);
    address.writeUInt16LE(AF_INET);
    address.writeUInt16BE(port, SOCKADDR.port);
    address.set(LOOPBACK, SOCKADDR.address);
    checked('bind', bindCall(fd, address, address.length));
    checked('listen', listenCall(fd, 1));
    return fd;
  } catch (cause) {
    closeDescriptor(fd);
    throw cause;
  }
}

/** Waits, and does nothing else meanwhile. Throws SystemError. */
export function acceptOne(listener: number): Connection {
  const address = Buffer.alloc(SOCKADDR.size);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(address.length);
  const fd = checked('accept4', acceptCall(listener, address, size, SOCK_CLOEXEC));
  enable(fd, IPPROTO_TCP, TCP_NODELAY);
  return { fd, port: address.readUInt16BE(SOCKADDR.port) };
}
