/** What refers to descriptors by their numbers: epoll's watches, locks of files, timers that are descriptors. */
import type { FileLock, OpenFile } from '../../image/process-state.ts';
import type { ResumeStep } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { F, F_RDLCK, F_WRLCK, LOCK, SEEK_SET } from './kernel.ts';
import { call, u64s } from './steps.ts';

const EPOLL_CTL_ADD = 1n;
/** _IOW('T', 0, __u64), include/uapi/linux/timerfd.h */
const TFD_IOC_SET_TICKS = 0x4008_5400n;
const NS = 1_000_000_000n;

/** To be taken when all descriptors have their numbers. */
export function watchSteps({ state }: ResumeContext): ResumeStep[] {
  const known = new Set(state.descriptors?.map(({ number }) => number));
  return each(state, 'epoll', (file, number) =>
    file.watches
      .filter(({ descriptor }) => known.has(descriptor))
      .map(({ descriptor, events, data }) =>
        call(
          'epoll_ctl',
          [number, EPOLL_CTL_ADD, descriptor, epollEvent(events, data)],
          `watch descriptor ${descriptor} with ${number}`,
        ),
      ),
  );
}

/** Armed at the very last: they run from then on. */
export function timerDescriptorSteps({ state }: ResumeContext): ResumeStep[] {
  return each(state, 'timerfd', ({ valueNs, intervalNs, ticks }, number) => {
    const timer = u64s(intervalNs / NS, intervalNs % NS, valueNs / NS, valueNs % NS);
    const what = `set the timer of descriptor ${number}`;
    return [
      ...(valueNs > 0n ? [call('timerfd_settime', [number, 0, timer, 0], what)] : []),
      ...(ticks > 0n
        ? [call('ioctl', [number, TFD_IOC_SET_TICKS, u64s(ticks)], what, { onError: 'say' })]
        : []),
    ];
  });
}

/** Somebody else may have a lock by now: then the process would go on without what it relies on. */
export function lockedFileSteps({ state, invocation }: ResumeContext): ResumeStep[] {
  const onError = invocation.twin === true ? 'say' : 'stop';
  return state.locks.map((lock) => {
    const { kind, descriptor, write } = lock;
    const what = `lock the file of descriptor ${descriptor}, which another process may have locked`;
    if (kind === 'flock') {
      return call('flock', [descriptor, (write ? LOCK.EX : LOCK.SH) | LOCK.NB], what, { onError });
    }
    const command = kind === 'ofd' ? F.OFD_SETLK : F.SETLK;
    return call('fcntl', [descriptor, command, structFlock(lock)], what, { onError });
  });
}

function each<K extends OpenFile['kind']>(
  { openFiles, descriptors = [] }: ResumeContext['state'],
  kind: K,
  make: (file: Extract<OpenFile, { kind: K }>, number: number) => ResumeStep[],
): ResumeStep[] {
  return openFiles.flatMap((file, index) => {
    const descriptor = descriptors.find(({ openFile }) => openFile === index);
    if (file.kind !== kind || descriptor === undefined) return [];
    return make(file as Extract<OpenFile, { kind: K }>, descriptor.number);
  });
}

/** struct epoll_event, packed on x86-64. */
function epollEvent(events: number, data: bigint): { bytes: Uint8Array } {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, events, true);
  view.setBigUint64(4, data, true);
  return { bytes };
}

/** struct flock, include/uapi/asm-generic/fcntl.h: a length of 0 reaches to the end of the file. */
function structFlock({ write, start, end }: FileLock): { bytes: Uint8Array } {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, write ? F_WRLCK : F_RDLCK, true);
  view.setInt16(2, SEEK_SET, true);
  view.setBigInt64(8, BigInt.asIntN(64, start), true);
  view.setBigInt64(16, end === undefined ? 0n : BigInt.asIntN(64, end - start), true);
  return { bytes };
}
