/** What the thread of the loaders and the one that watches them share. */
export interface WatchData {
  /** Counts changes. */
  readonly generation: Int32Array;
  /** When time is up, on `monotonic`; 0 while nobody is running. */
  readonly deadline: Float64Array;
  /** What is said then, UTF-8, ended by a NUL. */
  readonly message: Uint8Array;
  /** What the process ends with. */
  readonly status: number;
}
