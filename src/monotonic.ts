/** Milliseconds on a clock that nobody sets, the same in all threads. For the global `performance` Node would load a module of its own. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;
