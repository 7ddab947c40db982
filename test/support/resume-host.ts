/** A machine to go on with, that is none: every fact about it is the test's. */
import type { ResumeHost } from '../../src/process/resume-host.ts';
import type { Random } from './random.ts';

const ALL = (1n << 41n) - 1n;

export function resumeHostOf(random: Random, changes: Partial<ResumeHost> = {}): ResumeHost {
  return {
    personality: 0,
    nice: 0,
    credentials: {
      uids: [0, 0, 0, 0],
      gids: [0, 0, 0, 0],
      groups: [],
      capabilities: { inheritable: 0n, permitted: ALL, effective: ALL, bounding: ALL, ambient: 0n },
      secureBits: 0,
    },
    noNewPrivileges: false,
    limits: Array.from({ length: 16 }, (_, resource) => ({ resource, soft: 1024n, hard: 1n << 20n })),
    processors: [0, 1],
    vdso: undefined,
    cpu: { flags: ['fpu', 'sse2', 'avx'], vendor: 'GenuineIntel' },
    auxvSize: 368,
    random: (length) => random.bytes(length),
    ...changes,
  };
}
