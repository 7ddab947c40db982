/**
 * Copies of a process that stands still: their stubs read its memory from /proc/PID/mem, so nothing lies in a file or in Node's
 * memory meanwhile. They are children of this process to begin with, and nobody's when it has ended.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import type { Frozen } from '../checkpoint/capture.ts';
import type { ObjectExtent, ProgramImage } from '../image/image.ts';
import { processImage } from '../image/process-image.ts';
import { hostFacts } from '../native/host-facts.ts';
import { closeDescriptor } from '../native/libc.ts';
import { resumeHost } from '../native/resume-host.ts';
import { vaultOf } from '../plan/plan.ts';
import type { ResumeInvocation } from '../plan/resume/context.ts';
import { planResume } from '../plan/resume/resume.ts';
import { memorySource } from '../source/memory.ts';
import type { Source } from '../source/source.ts';
import { stubFor } from './starter.ts';
import { createVault } from './vault.ts';

/** A copy on its way. */
export interface Twin {
  readonly child: ChildProcess;
  /** Whether it has all of the original's memory; false when it has ended before. */
  readonly hasRead: Promise<boolean>;
}

const STANDARD_STREAMS = 3;

/** What copies are made of. Must be closed, when all have read. */
export class TwinSource {
  readonly #image: ProgramImage;
  readonly #memory: number;
  readonly #exe: number;
  readonly #path: Uint8Array;

  /** Throws what the kernel says when the process may not be read. */
  constructor(pid: number, frozen: Frozen) {
    this.#memory = openSync(frozen.memoryPath, 'r');
    this.#exe = openSync(`/proc/${pid}/exe`, 'r');
    this.#path = frozen.state.exe.path;
    this.#image = imageOf(frozen, this.#memory);
  }

  /** Throws IMAGE_REFUSED and MACHINE_REFUSED. */
  async start(program: string, wishes: Pick<ResumeInvocation, 'stdio' | 'report'>): Promise<Twin> {
    const told = { fd: -1, path: new Uint8Array(0), offset: 0 };
    const { plan } = planResume(
      this.#image,
      {
        ...wishes,
        program,
        newPid: true,
        twin: true,
        exe: { fd: this.#exe, path: this.#path, offset: 0 },
        afterReading: told,
      },
      resumeHost(hostFacts()),
    );
    const vault = vaultOf(plan);
    const vaultFd =
      vault === undefined ? -1 : await createVault(vault, Buffer.from(plan.comm).toString(), () => {});
    const stub = await stubFor(plan, STANDARD_STREAMS);
    try {
      const files = plan.files.map((file) =>
        'fd' in file ? (file.fd === told.fd ? 'pipe' : file.fd) : vaultFd,
      );
      const child = spawn(`/proc/self/fd/${stub}`, [], {
        argv0: Buffer.from(plan.comm).toString(),
        env: {},
        stdio: [0, 1, 2, ...files],
      } as SpawnOptions);
      const pipe = child.stdio[STANDARD_STREAMS + files.indexOf('pipe')] as NodeJS.ReadableStream;
      const hasRead = new Promise<boolean>((resolve) => {
        pipe.once('data', () => resolve(true));
        pipe.once('end', () => resolve(false));
        child.once('error', () => resolve(false));
      });
      return { child, hasRead };
    } finally {
      closeDescriptor(stub);
      if (vaultFd >= 0) closeDescriptor(vaultFd);
    }
  }

  close(): void {
    closeSync(this.#memory);
    closeSync(this.#exe);
  }
}

function imageOf({ state, runs, objects }: Frozen, memory: number): ProgramImage {
  const source: Source = {
    name: 'its memory',
    size: Number.MAX_SAFE_INTEGER,
    confidential: false,
    file: { fd: memory, path: new Uint8Array(0), offset: 0 },
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      readSync(memory, bytes, 0, length, offset);
      return bytes;
    },
  };
  const segments = runs.map(({ address, size }) => ({
    name: `memory at 0x${address.toString(16)}`,
    address,
    size,
    content: { source, offset: Number(address), size: Number(size) },
    protection: { read: true, write: true, execute: false },
  }));
  const extentsOf = ({ extents, read }: Frozen['objects'][number]): ObjectExtent[] =>
    extents.map(({ at, size }) => {
      const bytes = Buffer.alloc(Number(size));
      read(at, bytes);
      return { at, content: { source: memorySource(bytes, 'an object'), offset: 0, size: bytes.length } };
    });
  return processImage('copy', { state, objects: objects.map(extentsOf) }, segments);
}
