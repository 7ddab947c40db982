/** Resource limits: lifted while the process is set up, and as they were at the end. */
import type { ResourceLimit } from '../../image/process-state.ts';
import type { ResumeStep } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { call, firstOf, u64s } from './steps.ts';

/** include/uapi/asm-generic/resource.h */
const RLIMIT = {
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  SIGPENDING: 11,
} as const;
/** Those that could stop a step. */
const IN_THE_WAY: readonly number[] = Object.values(RLIMIT);

/** As high as we may, and where it is allowed as high as they were. */
export function liftSteps({ state, host }: ResumeContext): ResumeStep[] {
  return host.limits
    .filter(({ resource }) => IN_THE_WAY.includes(resource))
    .flatMap(({ resource, hard }) => {
      const theirs = state.limits.find((each) => each.resource === resource)?.hard ?? 0n;
      const lift = (limit: bigint) =>
        call('prlimit64', [0, resource, u64s(limit, limit), 0], `lift a limit (${resource})`, {
          onError: 'ignore',
        });
      return theirs > hard ? firstOf(lift(theirs), lift(hard)) : [lift(hard)];
    });
}

/** That of descriptors comes when all have their numbers, which may be above it; by then nothing is told. */
export function limitSteps({ state, host }: ResumeContext, which: 'descriptors' | 'others'): ResumeStep[] {
  const limits = state.limits.filter(
    ({ resource }) => (resource === RLIMIT.NOFILE) === (which === 'descriptors'),
  );
  return limits.flatMap((limit) => {
    const ours = host.limits.find(({ resource }) => resource === limit.resource);
    const what = `set a limit (${limit.resource})`;
    const set = ({ resource, soft, hard }: ResourceLimit) =>
      call('prlimit64', [0, resource, u64s(soft, hard), 0], what, {
        onError: which === 'others' ? 'say' : 'ignore',
      });
    if (ours === undefined || limit.hard <= ours.hard) return [set(limit)];
    const soft = limit.soft < ours.hard ? limit.soft : ours.hard;
    return firstOf(set(limit), set({ ...limit, soft, hard: ours.hard }));
  });
}
