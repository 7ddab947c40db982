/** Checkpoints of live processes, for tests of what becomes of them. */
import { closeSync, openSync } from 'node:fs';
import { finishCore, writeCore } from '../../loaders/core/write.ts';
import { type CaptureOptions, freeze } from '../../src/checkpoint/capture.ts';

/** Writes one to `path`, which can be executed then. */
export async function writeCheckpoint(
  pid: number,
  path: string,
  options: Partial<CaptureOptions> = {},
): Promise<void> {
  const fd = openSync(path, 'w+', 0o700);
  const frozen = freeze(pid, { skip: new Set(), complete: false, ...options });
  try {
    const core = writeCore(fd, frozen, () => {});
    frozen.thaw('run');
    await finishCore(core, () => {});
  } finally {
    closeSync(fd);
  }
}
