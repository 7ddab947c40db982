/**
 * User and group ids and capabilities: each thread sets its own (credentials(7)). What we may not become is not tried, and told
 * by whoever makes the plan.
 */
import type { Credentials } from '../../image/process-state.ts';
import type { ResumeStep } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { PR, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAP_AMBIENT_RAISE } from './kernel.ts';
import { call, u32s } from './steps.ts';

/** include/uapi/linux/capability.h */
const CAP = { SETGID: 6n, SETUID: 7n, SETPCAP: 8n } as const;
const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;
const CAPABILITY_BITS = 64n;

/** Sentences of what the process will not have. */
export function lostCredentials({ state, host }: ResumeContext): string[] {
  const { credentials } = state;
  if (credentials === undefined || isSame(credentials, host.credentials)) return [];
  const lost: string[] = [];
  if (!sameIds(credentials, host.credentials) && !mayChangeIds(host.credentials)) {
    lost.push(
      `user ${credentials.uids[1]} and group ${credentials.gids[1]} (it runs as ${host.credentials.uids[1]} and ${host.credentials.gids[1]}: only root may change that)`,
    );
  }
  const missing = credentials.capabilities.permitted & ~host.credentials.capabilities.permitted;
  if (missing !== 0n)
    lost.push(
      `the capabilities ${bits(missing).join(', ')} (by number, see capability.h), which we do not have`,
    );
  return lost;
}

/** For one thread. `dumpable` and the signal of its parent's death are reset by them. */
export function credentialSteps({ state, host }: ResumeContext): ResumeStep[] {
  const { credentials, attributes } = state;
  const steps: ResumeStep[] = [];
  if (credentials !== undefined && !isSame(credentials, host.credentials))
    steps.push(...changeSteps(credentials, host.credentials));
  if (attributes.parentDeathSignal !== 0) {
    const args = [PR.SET_PDEATHSIG, attributes.parentDeathSignal, 0, 0, 0];
    steps.push(call('prctl', args, 'set the signal of its parent’s death', { onError: 'say' }));
  }
  if (attributes.noNewPrivileges && !host.noNewPrivileges)
    steps.push(call('prctl', [PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'forbid new privileges'));
  return steps;
}

function changeSteps(wanted: Credentials, ours: Credentials): ResumeStep[] {
  const steps: ResumeStep[] = [];
  const capabilities = within(wanted, ours);
  steps.push(...boundingSteps(wanted, ours));
  if (!sameIds(wanted, ours) && mayChangeIds(ours)) {
    const [ruid, euid, suid, fsuid] = wanted.uids;
    const [rgid, egid, sgid, fsgid] = wanted.gids;
    steps.push(
      call('setgroups', [wanted.groups.length, u32s(...wanted.groups)], 'set the groups'),
      call('setresgid', [rgid, egid, sgid], `become group ${egid}`),
      // Or all capabilities would be lost with the user's change.
      call('prctl', [PR.SET_KEEPCAPS, 1, 0, 0, 0], 'keep the capabilities'),
      call('setresuid', [ruid, euid, suid], `become user ${euid}`),
      call('prctl', [PR.SET_KEEPCAPS, 0, 0, 0, 0], 'keep the capabilities'),
    );
    if (fsgid !== egid) steps.push(call('setfsgid', [fsgid], 'set the file system group'));
    if (fsuid !== euid) steps.push(call('setfsuid', [fsuid], 'set the file system user'));
  }
  if (wanted.secureBits !== ours.secureBits) {
    const args = [PR.SET_SECUREBITS, wanted.secureBits, 0, 0, 0];
    steps.push(call('prctl', args, 'set the secure bits', { onError: 'say' }));
  }
  return [...steps, capsetStep(capabilities), ...ambientSteps(capabilities)];
}

/** What cannot be had is left out: nobody gets more than he has. */
function within({ capabilities }: Credentials, ours: Credentials): Credentials['capabilities'] {
  const permitted = capabilities.permitted & ours.capabilities.permitted;
  const inheritable = capabilities.inheritable & (permitted | ours.capabilities.inheritable);
  return {
    permitted,
    inheritable,
    effective: capabilities.effective & permitted,
    bounding: capabilities.bounding,
    ambient: capabilities.ambient & permitted & inheritable,
  };
}

function boundingSteps(wanted: Credentials, ours: Credentials): ResumeStep[] {
  const drop = ours.capabilities.bounding & ~wanted.capabilities.bounding;
  return bits(drop).map((capability) =>
    call('prctl', [PR.CAPBSET_DROP, capability, 0, 0, 0], `drop capability ${capability} for good`, {
      onError: has(ours, CAP.SETPCAP) ? 'stop' : 'say',
    }),
  );
}

/** struct __user_cap_header_struct and two of __user_cap_data_struct, capget(2). */
function capsetStep({ effective, permitted, inheritable }: Credentials['capabilities']): ResumeStep {
  const sets = [effective, permitted, inheritable];
  const half = (shift: bigint) => sets.map((set) => Number((set >> shift) & 0xffff_ffffn));
  const header = u32s(LINUX_CAPABILITY_VERSION_3, 0);
  return call('capset', [header, u32s(...half(0n), ...half(32n))], 'set the capabilities');
}

function ambientSteps({ ambient }: Credentials['capabilities']): ResumeStep[] {
  const what = 'set the ambient capabilities';
  return [
    call('prctl', [PR.CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0], what, { onError: 'ignore' }),
    ...bits(ambient).map((capability) =>
      call('prctl', [PR.CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0], what, { onError: 'say' }),
    ),
  ];
}

function bits(mask: bigint): bigint[] {
  const found: bigint[] = [];
  for (let bit = 0n; bit < CAPABILITY_BITS; bit++) if (((mask >> bit) & 1n) === 1n) found.push(bit);
  return found;
}

const has = ({ capabilities }: Credentials, capability: bigint): boolean =>
  ((capabilities.effective >> capability) & 1n) === 1n;

const mayChangeIds = (ours: Credentials): boolean => has(ours, CAP.SETUID) && has(ours, CAP.SETGID);

function sameIds(one: Credentials, other: Credentials): boolean {
  const key = ({ uids, gids, groups }: Credentials) =>
    [uids, gids, [...groups].sort((a, b) => a - b)].map((list) => list.join()).join(';');
  return key(one) === key(other);
}

function isSame(one: Credentials, other: Credentials): boolean {
  const [a, b] = [one.capabilities, other.capabilities];
  const names = ['inheritable', 'permitted', 'effective', 'bounding', 'ambient'] as const;
  return (
    sameIds(one, other) && one.secureBits === other.secureBits && names.every((name) => a[name] === b[name])
  );
}
