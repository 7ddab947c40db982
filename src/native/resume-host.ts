/** What must be known of this machine, and of the process that a stub will run in, to let another one go on here. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Credentials } from '../image/process-state.ts';
import type { HostVdso, ResumeHost, VdsoPieceKind } from '../process/resume-host.ts';
import { buildIdOf } from '../source/build-id.ts';
import { credentialsOf, personality, readText, resourceLimits, statFields, statusField } from './proc.ts';

const MAX_VDSO = 1 << 16;

/** `random` gives random bytes. */
export function resumeHost({ random }: Pick<ResumeHost, 'random'>): ResumeHost {
  return {
    personality: personality(),
    nice: Number(statFields()(19)),
    credentials: afterExec({ ...credentialsOf(), secureBits: 0 }),
    noNewPrivileges: statusField('NoNewPrivs') === '1',
    limits: resourceLimits(),
    processors: processorList(statusField('Cpus_allowed_list') ?? ''),
    vdso: ownVdso(),
    cpu: {
      flags: (cpuField('flags') ?? '').split(' '),
      vendor: cpuField('vendor_id') ?? '',
    },
    auxvSize: readFileSync('/proc/self/auxv').length,
    random,
  };
}

function cpuField(name: string): string | undefined {
  return new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(readText('/proc/cpuinfo') ?? '')?.[1];
}

/** capabilities(7), "Transformation of capabilities during execve()": of a file without any, for root and for others. */
function afterExec(credentials: Credentials): Credentials {
  const { capabilities, uids } = credentials;
  const { inheritable, bounding, ambient } = capabilities;
  const root = uids[0] === 0 || uids[1] === 0;
  const permitted = root ? inheritable | bounding : ambient;
  const effective = uids[1] === 0 ? permitted : ambient;
  return {
    ...credentials,
    capabilities: { ...capabilities, permitted, effective, ambient: root ? 0n : ambient },
  };
}

/** `0-3,8`. */
function processorList(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

const KINDS: Readonly<Record<string, VdsoPieceKind>> = {
  '[vdso]': 'vdso',
  '[vvar]': 'vvar',
  '[vvar_vclock]': 'vvar_vclock',
};

/** This process's own, which is every process's. */
function ownVdso(): HostVdso | undefined {
  const found = (readText('/proc/self/maps') ?? '').split('\n').flatMap((line) => {
    const kind = KINDS[line.slice(line.lastIndexOf(' ') + 1)];
    const [start = '', end = ''] = line.slice(0, line.indexOf(' ')).split('-');
    return kind === undefined ? [] : [{ kind, start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
  const vdso = found.find(({ kind }) => kind === 'vdso');
  const last = found.at(-1);
  if (vdso === undefined || last?.kind !== 'vdso' || vdso.end - vdso.start > BigInt(MAX_VDSO))
    return undefined;
  const pieces = found.map(({ kind, start, end }) => ({
    kind,
    offset: start - vdso.start,
    size: end - start,
  }));
  const image = ownMemory(vdso.start, Number(vdso.end - vdso.start));
  const buildId = buildIdOf((offset, length) => image.subarray(offset, offset + length));
  return { pieces, image, buildId };
}

function ownMemory(address: bigint, size: number): Uint8Array {
  const fd = openSync('/proc/self/mem', 'r');
  try {
    const bytes = Buffer.alloc(size);
    if (readSync(fd, bytes, 0, size, address as unknown as number) !== size)
      throw new Error('/proc/self/mem does not give the vDSO');
    return bytes;
  } finally {
    closeSync(fd);
  }
}
