/** The plan of a process that goes on, as a picture: the stub, and the process as its steps make it again. */
import type { ResumedProcess, Segment } from '../image/image.ts';
import type { ResumePlan, ResumeStep } from '../plan/resume-plan.ts';
import type { Block, Mark, Picture, Region, StepLine } from './model.ts';
import { processBlock } from './of-process.ts';
import { kernelRegion, stubRegions } from './stub-regions.ts';

/** `process` and `segments` are those of the image that the plan was made of. */
export function resumePicture(
  plan: ResumePlan,
  process: ResumedProcess,
  segments: readonly Segment[],
  facts: readonly string[],
): Picture {
  const { regions, marks } = processBlock(process.state, segments);
  const made = withSteps(regions, plan.steps);
  const after: Block = { regions: made, marks: [...marks, ...ownMarks(plan)] };
  return {
    title: plan.program,
    facts,
    columns: [
      {
        title: 'Before: the stub',
        facts: ['a small ELF file of its own, which the kernel executes'],
        blocks: [
          {
            regions: stubRegions(plan.stub),
            marks: [{ at: plan.stub + plan.room, name: 'end of the room for the stub' }],
          },
          {
            unplaced: true,
            somewhere: 'Where the kernel has put them for the stub',
            regions: [kernelRegion('vDSO and vvar'), kernelRegion('stack, as for any program')],
            marks: [],
          },
        ],
      },
      {
        title: 'After: the process',
        facts: ['when its threads go on; the stub has left'],
        blocks: [after],
      },
    ],
    steps: resumeSteps(plan.steps),
  };
}

function ownMarks({ vdso, threads }: ResumePlan): Mark[] {
  return [
    ...(vdso === undefined ? [] : [{ at: vdso, name: 'vDSO of this kernel' }]),
    ...threads.map(({ tid, frame }): Mark => ({ at: frame.sp, name: `frame of thread ${tid}` })),
  ];
}

/** The first and the last of the steps that name an address in a region say which made it. */
function withSteps(regions: readonly Region[], steps: readonly ResumeStep[]): Region[] {
  const numbers = regions.map((): number[] => []);
  steps.forEach((step, index) => {
    if (step.op !== 'call' || !(step.call in TARGET)) return;
    const address = step.args[TARGET[step.call as keyof typeof TARGET]];
    if (typeof address !== 'bigint') return;
    numbers[regionAt(regions, address)]?.push(index + 1);
  });
  return regions.map((region, index) => ({ ...region, steps: numbers[index] ?? [] }));
}

/** Which argument is the address that a call makes, fills or changes. */
const TARGET = {
  mmap: 0,
  pread64: 1,
  mprotect: 0,
  mremap: 4,
  madvise: 0,
  mlock: 0,
  mlock2: 0,
  mseal: 0,
} as const;

function regionAt(regions: readonly Region[], address: bigint): number {
  let [low, high] = [0, regions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((regions[middle]?.start ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  const region = regions[low - 1];
  return region !== undefined && address < region.end ? low - 1 : -1;
}

/** More lines than these are not read. */
const MAX_LINES = 24;

function resumeSteps(steps: readonly ResumeStep[]): StepLine[] {
  const runs: { topic: string; from: number; to: number }[] = [];
  steps.forEach((step, index) => {
    const [topic, last] = [topicOf(step), runs.at(-1)];
    if (last !== undefined && (topic === undefined || last.topic === topic)) last.to = index + 1;
    else runs.push({ topic: topic ?? 'files and descriptors', from: index + 1, to: index + 1 });
  });
  const lines = runs.map(({ topic, from, to }) => ({
    numbers: from === to ? `${from}` : `${from}-${to}`,
    text: topic,
  }));
  if (lines.length <= MAX_LINES) return lines;
  const left = { numbers: '', text: `and ${lines.length - MAX_LINES + 1} more groups of steps` };
  return [...lines.slice(0, MAX_LINES - 2), left, ...lines.slice(-1)];
}

/** Undefined: belongs to whatever came before. */
function topicOf(step: ResumeStep): string | undefined {
  switch (step.op) {
    case 'new process':
      return 'a new process gets its number';
    case 'timer':
      return 'timers';
    case 'threads':
      return 'the other threads start';
    case 'store':
    case 'load':
    case 'replace':
      return undefined;
    case 'call':
      return CALLS[step.call];
  }
}

const CALLS: Partial<Record<Extract<ResumeStep, { op: 'call' }>['call'], string>> = {
  rt_sigprocmask: 'signals are blocked',
  munmap: 'what was there is unmapped',
  mremap: 'the vDSO is moved',
  mmap: 'memory is mapped and filled',
  rt_sigaction: 'signal actions',
  prlimit64: 'limits',
  dup3: 'files and descriptors',
  pipe2: 'files and descriptors',
  fcntl: 'files and descriptors',
  close_range: 'files and descriptors',
  personality: 'identity',
  chdir: 'identity',
  umask: 'identity',
  set_tid_address: 'the first thread',
  setitimer: 'timers',
  timer_settime: 'timers',
  timerfd_settime: 'timers',
  setgroups: 'credentials',
  capset: 'credentials',
};
