/** What /proc, and a few calls of its own, say of a process as a whole. */
import { readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import type {
  Credentials,
  FileReference,
  Mapping,
  ProcessAttributes,
  ProcessState,
  VdsoState,
} from '../image/process-state.ts';
import { credentialsOf, readText, statFields, statusField } from '../native/proc.ts';
import type { ProcessMemory } from '../native/process-memory.ts';
import { buildIdOf } from '../source/build-id.ts';
import type { ProcessFiles } from './file-reference.ts';
import { withoutRemark } from './maps.ts';
import type { RemoteCalls } from './remote-calls.ts';

const NR = { brk: 12, prctl: 157 } as const;
/** include/uapi/linux/prctl.h */
const PR = {
  GET_PDEATHSIG: 2,
  GET_DUMPABLE: 3,
  GET_SECUREBITS: 27,
  GET_CHILD_SUBREAPER: 37,
  GET_THP_DISABLE: 42,
} as const;

/** /proc/PID/stat has all fields of the mm but the end of the heap. */
export function mmFields(pid: number, remote: RemoteCalls): ProcessState['mm'] {
  const stat = statFields(`/proc/${pid}/stat`);
  return {
    start_code: stat(26),
    end_code: stat(27),
    start_data: stat(45),
    end_data: stat(46),
    start_brk: stat(47),
    brk: remote.ask('brk', NR.brk, 0),
    start_stack: stat(28),
    arg_start: stat(48),
    arg_end: stat(49),
    env_start: stat(50),
    env_end: stat(51),
  };
}

export function identity(
  pid: number,
  files: ProcessFiles,
): Pick<ProcessState, 'ids' | 'comm' | 'exe' | 'cwd' | 'root' | 'umask' | 'personality' | 'auxv'> {
  const stat = statFields(`/proc/${pid}/stat`);
  return {
    ids: { pid, ppid: Number(stat(4)), pgid: Number(stat(5)), sid: Number(stat(6)) },
    comm: readFileSync(`/proc/${pid}/comm`).subarray(0, -1),
    exe: executable(pid, files),
    cwd: readlinkSync(`/proc/${pid}/cwd`, 'buffer'),
    root: readlinkSync(`/proc/${pid}/root`, 'buffer'),
    umask: Number.parseInt(statusField('Umask', `/proc/${pid}/status`) ?? '22', 8),
    personality: Number.parseInt(readText(`/proc/${pid}/personality`) ?? '0', 16),
    auxv: readFileSync(`/proc/${pid}/auxv`),
  };
}

/** A file that is gone is known by its name alone. */
function executable(pid: number, files: ProcessFiles): FileReference {
  const link = readlinkSync(`/proc/${pid}/exe`, 'buffer');
  const { path, deleted } = withoutRemark(link);
  if (deleted) return { path };
  try {
    return files.reference(link);
  } catch {
    return { path };
  }
}

export function vdsoState(mappings: readonly Mapping[], memory: ProcessMemory): VdsoState | undefined {
  const vdso = mappings.find(({ backing }) => backing.kind === 'vdso');
  if (vdso === undefined) return undefined;
  const image = memory.bytes(vdso.start, Number(vdso.end - vdso.start));
  const buildId = buildIdOf((offset, length) => image.subarray(offset, offset + length));
  return { address: vdso.start, image, ...(buildId !== undefined && { buildId }) };
}

export function credentials(pid: number, remote: RemoteCalls): Credentials {
  const secureBits = Number(remote.ask('PR_GET_SECUREBITS', NR.prctl, PR.GET_SECUREBITS));
  return { ...credentialsOf(`/proc/${pid}/status`), secureBits };
}

export function attributes(pid: number, remote: RemoteCalls, memory: ProcessMemory): ProcessAttributes {
  const get = (name: string, option: number) => Number(remote.ask(name, NR.prctl, option, 0, 0, 0, 0));
  const stored = (name: string, option: number) => {
    remote.ask(name, NR.prctl, option, remote.result);
    return memory.bytes(remote.result, 4).readInt32LE();
  };
  return {
    dumpable: get('PR_GET_DUMPABLE', PR.GET_DUMPABLE),
    noNewPrivileges: statusField('NoNewPrivs', `/proc/${pid}/status`) === '1',
    childSubreaper: stored('PR_GET_CHILD_SUBREAPER', PR.GET_CHILD_SUBREAPER) === 1,
    parentDeathSignal: stored('PR_GET_PDEATHSIG', PR.GET_PDEATHSIG),
    thpDisabled: get('PR_GET_THP_DISABLE', PR.GET_THP_DISABLE) === 1,
    nice: Number(statFields(`/proc/${pid}/stat`)(19)),
    oomScoreAdjust: Number(readText(`/proc/${pid}/oom_score_adj`) ?? 0),
  };
}

export function machine(): ProcessState['machine'] {
  const flags = /^flags\s*: (.*)$/m.exec(readText('/proc/cpuinfo') ?? '')?.[1] ?? '';
  return { release: release(), cpuFlags: flags.split(' ') };
}
