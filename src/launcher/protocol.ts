/**
 * What the launcher (a tiny ELF program, emitted by launcher.ts) and the Node process it starts agree on.
 *
 * The launcher's process is the one that becomes the program. It starts Node as its child, and the two talk
 * over a socket:
 *   0. before a confidential program Node sends SECLUDE, and the launcher, which nobody but the superuser can look
 *      into from then on, answers with one byte;
 *   1. Node sends the stub's memfd, followed by the files of the plan, as SCM_RIGHTS (unix(7));
 *   2. the launcher answers with the numbers they have in its own process, as 32-bit integers;
 *   3. Node writes the stub, which holds those numbers, into the memfd, and sends START;
 *   4. the launcher ends Node and executes the stub.
 * If Node ends before that, the launcher ends with Node's status.
 */

/** Node's argv[0]: this, and then the number of its end of the socket (see SOCKET_DIGITS). */
export const NODE_ARGV0 = 'run-foreign, fd ';
/** The number as this many digits of base 16, written with the letters from `a` to `p`. */
export const SOCKET_DIGITS = 8;
export const FIRST_DIGIT = 'a';

/** The bytes that are sent alone. */
export const START = 0;
export const SECLUDE = 1;

/** The kernel passes at most this many descriptors in one message (SCM_MAX_FD, include/net/scm.h). */
export const MAX_DESCRIPTORS = 253;

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
  const digits = argv0.startsWith(NODE_ARGV0) ? argv0.slice(NODE_ARGV0.length) : '';
  if (!/^[a-p]{8}$/.test(digits)) return undefined;
  return [...digits].reduce(
    (value, digit) => value * 16 + digit.charCodeAt(0) - FIRST_DIGIT.charCodeAt(0),
    0,
  );
}

/** The environment as the launcher got it. */
export function putBack(envp: readonly Uint8Array[]): Uint8Array[] {
  const names = SET_ASIDE.map((name) => ({ name: Buffer.from(name), rest: Buffer.from(name).subarray(1) }));
  return envp.map((entry) => {
    if (entry[0] !== ASIDE_BYTE) return entry;
    const found = names.find(({ rest }) => rest.equals(entry.subarray(1, 1 + rest.length)));
    return found === undefined ? entry : Buffer.concat([found.name.subarray(0, 1), entry.subarray(1)]);
  });
}
