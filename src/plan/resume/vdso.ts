/**
 * The kernel's vDSO. Where the process had the same one, ours goes where it was. Where it had another, that one is there as
 * plain memory with its functions leading to ours, which stands elsewhere: the program knows their addresses.
 */

import { ForeignError, hex } from '../../errors.ts';
import type { Range } from '../../image/image.ts';
import type { ProcessState } from '../../image/process-state.ts';
import { pageEnd } from '../../process/address-space.ts';
import type { HostVdso, ResumeHost } from '../../process/resume-host.ts';
import { forwardVdso } from '../../process/vdso-forward.ts';
import type { ResumeStep } from '../resume-plan.ts';
import { MAP, MREMAP_TO, PROT } from './kernel.ts';
import type { Room } from './room.ts';
import { call, text } from './steps.ts';

export interface VdsoPlan {
  /** Where ours is in the end. */
  readonly address: bigint | undefined;
  /** Out of the way, to the end of the stub's room, before all else is unmapped. */
  readonly park: readonly ResumeStep[];
  readonly place: readonly ResumeStep[];
}

const sizeOf = ({ pieces }: HostVdso): bigint => pieces.reduce((sum, { size }) => sum + size, 0n);

/** Throws MACHINE_REFUSED. */
export function planVdso(state: ProcessState, host: ResumeHost, stub: Range, room: Room): VdsoPlan {
  const ours = host.vdso;
  const theirs = state.vdso;
  if (ours === undefined) {
    if (theirs !== undefined) refuse('has a vDSO, and this kernel gives programs none (vdso=0)');
    return { address: undefined, park: [], place: [] };
  }
  const parked = stub.end - sizeOf(ours);
  const park = movePieces(ours, (offset) => ({ kept: 'vdso', plus: offset }), parked);
  if (theirs === undefined || isSame(state, ours)) {
    const address = theirs?.address ?? vdsoMapping(state) ?? highest(room.take(sizeOf(ours)), ours);
    return { address, park, place: fromParked(ours, parked, address) };
  }
  refuseThreadsInside(state);
  const address = highest(room.take(sizeOf(ours)), ours);
  const image = forwardVdso(theirs.image, theirs.address, { image: ours.image, address });
  return {
    address,
    park,
    place: [...fromParked(ours, parked, address), ...plainMemory(theirs.address, image)],
  };
}

/** [vdso] is the last of its pieces. */
function highest({ start }: Range, { pieces }: HostVdso): bigint {
  return start - (pieces[0]?.offset ?? 0n);
}

function vdsoMapping({ mappings }: ProcessState): bigint | undefined {
  return mappings.find(({ backing }) => backing.kind === 'vdso')?.start;
}

/** Whether ours can take the place of theirs: the same code, and its data at the same distance. */
function isSame({ vdso, mappings }: ProcessState, ours: HostVdso): boolean {
  if (vdso?.buildId === undefined || ours.buildId === undefined) return false;
  if (Buffer.compare(vdso.buildId, ours.buildId) !== 0) return false;
  const places = ours.pieces.map(({ kind, offset, size }) => ({
    kind,
    start: vdso.address + offset,
    end: vdso.address + offset + size,
  }));
  const isKernels = (kind: string) => places.some((place) => place.kind === kind) || kind.startsWith('vvar');
  return mappings.every(({ start, end, backing }) => {
    const over = places.filter((place) => place.start < end && start < place.end);
    if (!isKernels(backing.kind)) return over.length === 0;
    return over.length === 1 && over[0]?.start === start && over[0]?.end === end;
  });
}

function movePieces(
  { pieces }: HostVdso,
  from: (offset: bigint) => bigint | { kept: string; plus: bigint },
  to: bigint,
): ResumeStep[] {
  const first = pieces[0]?.offset ?? 0n;
  return pieces.map(({ kind, offset, size }) => {
    const target = to + offset - first;
    return call('mremap', [from(offset), size, size, MREMAP_TO, target], `move [${kind}]`, {
      expect: target,
    });
  });
}

function fromParked(ours: HostVdso, parked: bigint, address: bigint): ResumeStep[] {
  const first = ours.pieces[0]?.offset ?? 0n;
  return movePieces(ours, (offset) => parked + offset - first, address + first);
}

/** Through a file in memory, so that it is written at once. */
function plainMemory(address: bigint, bytes: Uint8Array): ResumeStep[] {
  const file = { kept: 'vdso image' };
  const what = 'the vDSO it had';
  const size = pageEnd(BigInt(bytes.length));
  const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED_NOREPLACE;
  return [
    call('memfd_create', [text('vdso'), 1], `keep ${what}`, { keep: 'vdso image' }),
    call('pwrite64', [file, { bytes }, bytes.length, 0], `keep ${what}`, { expect: BigInt(bytes.length) }),
    call('mmap', [address, size, PROT.READ | PROT.WRITE, flags, -1n, 0], `map ${what}`, { expect: address }),
    call('pread64', [file, address, bytes.length, 0], `read ${what}`, { repeat: 'pread' }),
    call('mprotect', [address, size, PROT.READ | PROT.EXEC], `protect ${what}`),
    call('close', [file], 'close a file'),
  ];
}

/** Behind its first instructions a function of another vDSO is not forwarded, and its data is not there. */
function refuseThreadsInside({ vdso, threads }: ProcessState): void {
  if (vdso === undefined) return;
  const end = vdso.address + BigInt(vdso.image.length);
  const inside = threads.find(({ registers: { rip } }) => rip >= vdso.address && rip < end);
  if (inside === undefined) return;
  refuse(
    `thread ${inside.tid} is in the vDSO of another kernel (rip ${hex(inside.registers.rip)})`,
    'make the checkpoint again: the thread is there for a moment only',
  );
}

function refuse(why: string, hint?: string): never {
  throw new ForeignError(
    'MACHINE_REFUSED',
    `cannot go on here: it ${why}`,
    hint === undefined ? {} : { hint },
  );
}
