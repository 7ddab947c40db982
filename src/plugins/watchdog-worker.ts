/** The thread of watchdog.ts. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { monotonic } from '../monotonic.ts';
import type { WatchData } from './watch-data.ts';

const { generation, deadline, message, status } = workerData as WatchData;

/** Returns when time is up for somebody. */
function wait(): void {
  for (;;) {
    const seen = Atomics.load(generation, 0);
    const [due = 0] = deadline;
    const left = due === 0 ? Number.POSITIVE_INFINITY : due - monotonic();
    if (left > 0) Atomics.wait(generation, 0, seen, left);
    else if (seen === Atomics.load(generation, 0)) return;
  }
}

wait();
writeSync(2, Buffer.from(message.subarray(0, message.indexOf(0))));
// Loaded only now: that takes longer than most loaders.
void import('../native/end-process.ts').then(({ endProcess }) => endProcess(status));
