/** What must be known of the machine and of ourselves to let a process go on here; native/resume-host.ts finds it out. */
import type { Credentials, ResourceLimit } from '../image/process-state.ts';

/** Facts about the process that the stub will run in, as they are after its exec. */
export interface ResumeHost {
  readonly personality: number;
  readonly nice: number;
  readonly credentials: Credentials;
  readonly noNewPrivileges: boolean;
  readonly limits: readonly ResourceLimit[];
  /** By number, those it may run on. */
  readonly processors: readonly number[];
  readonly vdso: HostVdso | undefined;
  readonly cpu: HostCpu;
  /** Bytes of auxv that the kernel surely takes: as many as it has itself given. */
  readonly auxvSize: number;
  /** Fresh random bytes. */
  readonly random: (length: number) => Uint8Array;
}

export interface HostVdso {
  /** From low to high and without gaps, `[vdso]` last. */
  readonly pieces: readonly {
    readonly kind: VdsoPieceKind;
    readonly offset: bigint;
    readonly size: bigint;
  }[];
  /** Bytes of all of [vdso]. */
  readonly image: Uint8Array;
  readonly buildId: Uint8Array | undefined;
}

export type VdsoPieceKind = 'vdso' | 'vvar' | 'vvar_vclock';

export interface HostCpu {
  /** `flags` of /proc/cpuinfo. */
  readonly flags: readonly string[];
  /** `vendor_id`: `GenuineIntel`. */
  readonly vendor: string;
}
