/**
 * Whether the machine gives a program as much memory as it maps: the kernel finds out after its point of no
 * return and kills, so it is reckoned before ours, with the kernel's own rules (may_expand_vm in mm/mmap.c,
 * __vm_enough_memory in mm/util.c).
 */
import { ForeignError } from '../errors.ts';
import type { HostFacts } from '../process/host.ts';
import type { Step } from './plan.ts';

/** Less than that no machine refuses that has just started Node, and asking is not free. */
const NEVER_TOO_MUCH = 16n * 1024n * 1024n;
/** The stack as setup_arg_pages makes it, and the vDSO with its data. */
const OTHER_MAPPINGS = 160n * 1024n;

/** Throws MACHINE_REFUSED. */
export function checkMemory(steps: readonly Step[], host: HostFacts): void {
  const sum = { all: 0n, writable: 0n, largest: 0n };
  let room = 0n;
  for (const step of steps) {
    // Room is asked for as a whole, and given back at once.
    if (step.op === 'reserve') room = step.size;
    if (step.op !== 'mmap') continue;
    const writable = step.protection[1] === 'w';
    if (writable && step.size > sum.largest) sum.largest = step.size;
    // What replaces pages of the same program takes no more than they did.
    if (step.replace) continue;
    sum.all += step.size;
    if (writable) sum.writable += step.size;
  }
  const most = room > sum.all ? room : sum.all;
  if (most < NEVER_TOO_MUCH) return;
  const limits = host.memoryLimits();
  if (most + OTHER_MAPPINGS > limits.addressSpace)
    refuse(most, `RLIMIT_AS allows ${limits.addressSpace}`, 'ulimit -v');
  if (sum.writable > limits.data) refuse(sum.writable, `RLIMIT_DATA allows ${limits.data}`, 'ulimit -d');
  if (sum.largest > limits.single) refuse(sum.largest, 'this machine does not have them', OVERCOMMIT);
  if (sum.writable > limits.total) refuse(sum.writable, 'so many are not left on this machine', OVERCOMMIT);
}

const OVERCOMMIT = 'sysctl vm.overcommit_memory';

function refuse(size: bigint, why: string, see: string): never {
  throw new ForeignError('MACHINE_REFUSED', `needs ${size} bytes of memory, and ${why}`, {
    hint: `see ${see}`,
  });
}
