/** What tells a file and its contents from all others, as stat(2) has it. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

const NANOSECONDS = 1_000_000_000n;

/** Seconds and nanoseconds of st_mtim and st_ctim, in this order. */
export function timeWords({ mtimeNs, ctimeNs }: FileIdentity): bigint[] {
  return [mtimeNs, ctimeNs].flatMap((time) => [time / NANOSECONDS, time % NANOSECONDS]);
}
