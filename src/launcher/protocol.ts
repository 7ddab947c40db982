/**
 * What the launcher (a tiny ELF program, emitted by launcher.ts) and the Node process it starts agree on.
 *
 * The launcher's process is the one that becomes the program. It starts Node as its child, and the two talk
 * over a socket that keeps messages apart (SOCK_SEQPACKET). Node sends, and the kind of a message is its size:
 *   - a block of system calls (calls.ts), which the launcher makes and sends back with their results: so it asks the
 *     kernel whether a file may be executed, makes the stub's memfd, opens what Node has open through
 *     /proc/PID/fd, and, before a confidential program, closes itself to everybody but the superuser;
 *   - one byte with descriptors as SCM_RIGHTS (unix(7)), for what cannot be opened through /proc. The launcher
 *     answers with the control message that came, which has the numbers they have in its own process;
 *   - the number of the stub's file in the launcher. The launcher ends Node and executes the stub, which holds numbers
 *     of the launcher's.
 * If Node ends before that, the launcher ends with Node's status.
 */
import { BLOCK } from './calls.ts';

/** Node's argv[0]: this, and then the number of its end of the socket (see SOCKET_DIGITS). */
export const NODE_ARGV0 = 'run-foreign, fd ';
/** The same, as long, where binfmt_misc has started us with its flag P: before the program's own arguments stand its path and argv[0]. */
export const BINFMT_ARGV0 = 'binfmt_misc, fd ';
/** What the file that binfmt_misc starts has behind the command's name. */
export const BINFMT_SUFFIX = '-binfmt';
/** Where Node is looked for when it is nowhere in PATH, or there is no PATH. */
export const USUAL_PLACES = '/usr/local/bin:/usr/bin:/bin';
/** The number as this many digits of base 16, written with the letters from `a` to `p`. */
export const SOCKET_DIGITS = 8;
export const FIRST_DIGIT = 'a';

/** The sizes of messages, bytes. */
export const MESSAGE = { descriptors: 1, start: 8, calls: BLOCK.size } as const;

/** The kernel passes at most this many descriptors in one message (SCM_MAX_FD, include/net/scm.h). */
export const MAX_DESCRIPTORS = 253;
/** struct cmsghdr: cmsg_len, cmsg_level and cmsg_type. */
export const CMSG_HEADER = 16;
/** One control message with that many; its sizes are multiples of 8. */
export const CONTROL_SIZE = CMSG_HEADER + Math.ceil(MAX_DESCRIPTORS / 2) * 8;

/**
 * Beginnings of variables that would steer our Node although they are meant for the program. The launcher changes
 * the first byte of each, and Node hands them to the program as they were. Of the dynamic linker's (ld.so(8))
 * LD_LIBRARY_PATH stays, since there are systems on which Node needs it.
 */
export const SET_ASIDE = [
  'NODE_',
  'OPENSSL_CONF=',
  'LD_AUDIT=',
  'LD_BIND_',
  'LD_DEBUG',
  'LD_PRELOAD=',
  'LD_PROFILE',
  'LD_SHOW_AUXV=',
  'LD_TRACE_',
  'LD_VERBOSE=',
  'LD_WARN=',
] as const;
export const ASIDE_BYTE = 0x01;

/** The descriptor in Node's argv[0], when the launcher started it. */
export function socketFrom(argv0: string): number | undefined {
  const known = argv0.startsWith(NODE_ARGV0) || isFromBinfmt(argv0);
  const digits = known ? argv0.slice(NODE_ARGV0.length) : '';
  if (!/^[a-p]{8}$/.test(digits)) return undefined;
  return [...digits].reduce(
    (value, digit) => value * 16 + digit.charCodeAt(0) - FIRST_DIGIT.charCodeAt(0),
    0,
  );
}

/** Whether the arguments are those that binfmt_misc makes. */
export const isFromBinfmt = (argv0: string): boolean => argv0.startsWith(BINFMT_ARGV0);

/** The environment as the launcher got it. */
export function putBack(envp: readonly Uint8Array[]): Uint8Array[] {
  const names = SET_ASIDE.map((name) => ({ name: Buffer.from(name), rest: Buffer.from(name).subarray(1) }));
  return envp.map((entry) => {
    if (entry[0] !== ASIDE_BYTE) return entry;
    const found = names.find(({ rest }) => rest.equals(entry.subarray(1, 1 + rest.length)));
    return found === undefined ? entry : Buffer.concat([found.name.subarray(0, 1), entry.subarray(1)]);
  });
}
