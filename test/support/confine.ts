/** Commands that run another command with less than it could have: prefixes for its words. */

/** As a user without any privilege; for whom it takes root to become. */
export const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
/** In a user namespace of its own, as its root. */
export const USER_NAMESPACE = ['unshare', '--user', '--map-root-user'];
export const NO_NEW_PRIVS = ['setpriv', '--no-new-privs'];

/** include/uapi/linux/capability.h */
const CAP = { SYS_ADMIN: 21, SYS_RESOURCE: 24, CHECKPOINT_RESTORE: 40 } as const;

export interface Confinement {
  /** A seccomp filter that denies all of prctl, or one that makes the kernel look as if it had no PR_SET_MM_MAP. */
  readonly filter?: 'deny-prctl' | 'no-mm-map';
  /** The number of a system call of x86-64 that a seccomp filter denies. */
  readonly deny?: number;
  /** One that it answers with ENOSYS, as a kernel does that does not know it. */
  readonly missing?: number;
  /** PR_SET_MDWE: memory that was written may not become executable. */
  readonly mdwe?: boolean;
  readonly drop?: readonly (keyof typeof CAP)[];
  /** RLIMIT_DATA, bytes. */
  readonly dataLimit?: number;
}

/** `program` is what test/programs/confine.c was compiled to. */
export function confined(
  program: string,
  { filter, deny, missing, mdwe = false, drop = [], dataLimit }: Confinement,
): string[] {
  return [
    program,
    ...(mdwe ? ['--mdwe'] : []),
    ...drop.map((name) => `--drop=${CAP[name]}`),
    ...(dataLimit === undefined ? [] : [`--data-limit=${dataLimit}`]),
    ...(filter === undefined ? [] : [`--${filter}`]),
    ...(deny === undefined ? [] : [`--deny=${deny}`]),
    ...(missing === undefined ? [] : [`--missing=${missing}`]),
  ];
}
