/**
 * The port through which a gdb debugs the program. gdbserver would listen on all of the machine's addresses, whatever it is
 * told, and take anybody: so it is we who listen, on 127.0.0.1, and hand it a connection. Whoever connects can do
 * as the user what he likes, so it must be the user, or the superuser.
 */
import { ForeignError } from '../../errors.ts';
import { closeDescriptor, SystemError } from '../../native/libc.ts';
import { acceptOne, type Connection, listenHere } from '../../native/listener.ts';
import { readText } from '../../native/proc.ts';

/** Throws USAGE for a port that is taken, or that only the superuser may take. */
export function openPort(port: number): number {
  try {
    return listenHere(port);
  } catch (cause) {
    if (!(cause instanceof SystemError)) throw cause;
    const message = `--gdb: the port ${port} cannot be had: ${cause.errno}`;
    throw new ForeignError('USAGE', message, { hint: 'take another', cause });
  }
}

/** The first connection of somebody who may; of others `refused` is told. Nobody else can connect any more. */
export function waitForConnection(listener: number, port: number, refused: (uid: number) => void): number {
  for (;;) {
    const connection = acceptOne(listener);
    const uid = ownerOf(connection, port);
    if (uid === 0 || uid === process.geteuid?.()) {
      closeDescriptor(listener);
      return connection.fd;
    }
    closeDescriptor(connection.fd);
    if (uid !== undefined) refused(uid);
  }
}

/**
 * Whose the other end is: undefined for one that is closed already. proc_pid_net(5): local and remote address, the uid. A
 * socket for IPv6 may have an address of IPv4, too.
 */
function ownerOf({ port }: Connection, own: number): number | undefined {
  const end = (number: number) => `0100007F:${number.toString(16).toUpperCase().padStart(4, '0')}`;
  const [local, remote] = [end(port), end(own)];
  const fields = ['tcp', 'tcp6']
    .flatMap((name) => (readText(`/proc/net/${name}`) ?? '').split('\n'))
    .map((line) => line.trim().split(/\s+/));
  const uid = fields.find((each) => each[1]?.endsWith(local) && each[2]?.endsWith(remote))?.[7];
  return uid === undefined ? undefined : Number(uid);
}
