/** Core files that the tests write and read without a process. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finishCore, writeCore } from '../../loaders/core/write.ts';
import { builtinLoaders } from '../../loaders/index.ts';
import type { ProgramImage } from '../../src/image/image.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import type { TestProcess } from './process-state.ts';
import { NO_KEYS } from './resolve.ts';

/** The bytes of its checkpoint; without its last note if `finish` is false. */
export async function coreOf(process: TestProcess, finish = true): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'core-'));
  const fd = openSync(join(directory, 'core'), 'w+');
  try {
    const core = writeCore(fd, process, () => {});
    if (finish) await finishCore(core, () => {});
    return readFileSync(join(directory, 'core'));
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
}

/** As the command loads it. */
export async function loadCoreFile(source: Source, verify = false): Promise<ProgramImage> {
  const { image } = await resolveProgram({
    source,
    argv: [Buffer.from('core')],
    execfn: Buffer.from('core'),
    loaders: builtinLoaders,
    context: {
      ...NO_KEYS,
      open: () => {
        throw new Error('opens nothing');
      },
      find: () => undefined,
      isSelf: () => false,
      limits: { maxSize: 2 ** 30 },
    },
    options: verify ? [{ loader: 'core', key: 'verify', value: '' }] : [],
    follow: () => Promise.reject(new Error('follows nothing')),
  });
  return image;
}

export const loadCoreBytes = (bytes: Uint8Array): Promise<ProgramImage> =>
  loadCoreFile(memorySource(bytes, 'core'));
