/** What a process may say of itself: prctl(PR_SET_MM). */
import { spawnSync } from 'node:child_process';
import { hex } from '../../errors.ts';
import { lowestMmField, mmMapSize, probeExeFile, probeMmField, probeMmMap } from '../../native/mm-probe.ts';
import { CAPABILITY, hasCapability, statusField } from '../../native/proc.ts';
import { type Answer, type Check, no, setSysctl, shellWith, yes } from './machine-check.ts';

/** Without any privilege: in a namespace of one's own. util-linux has the options from 2.35 on. */
const NAMESPACE_SHELL = 'unshare --user --map-current-user --keep-caps';

/** Where fields below it are taken, all programs can say what they are; CONFIG_LSM_MMAP_MIN_ADDR of distributions. */
const USUAL_LOWEST = 0x10000;

export const IDENTITY: Readonly<Record<string, Check>> = {
  'pr-set-mm-map': {
    title: 'PR_SET_MM_MAP',
    neededFor: ['run'],
    tries:
      'PR_SET_MM_MAP is given fields that the kernel checks and does not set: a program can be shown with its own command line, environment and heap',
    ask: mmMap,
  },
  'exe-fd': {
    title: '/proc/PID/exe',
    neededFor: ['run'],
    tries:
      'the kernel is offered a file that it refuses to those only who have the privilege: /proc/PID/exe can name the program',
    ask: exeFile,
  },
  'pr-set-mm-fields': {
    title: 'PR_SET_MM by field',
    neededFor: ['run'],
    tries: 'a field is set to what it is: the identity can be set where there is no PR_SET_MM_MAP',
    ask: mmFieldCalls,
  },
  'lowest-mm-field': {
    title: 'lowest mm field',
    neededFor: ['aout', 'flat'],
    tries: 'fields are offered at low addresses: those of a.out programs are shown as they are',
    ask: lowestField,
  },
};

function mmMap(): Answer {
  const size = mmMapSize();
  const result = probeMmMap();
  const replaced = probeMmField() === undefined;
  if (typeof size === 'number' && result === undefined)
    return { ...yes(`struct prctl_mm_map has ${size} bytes, and it may be set`), required: !replaced };
  const found =
    typeof size === 'string'
      ? `the kernel answers ${size} when asked for its size`
      : `struct prctl_mm_map has ${size} bytes, but setting it gives ${result}`;
  const cause = isFiltered()
    ? 'a seccomp filter must allow prctl (of a container: --security-opt seccomp=PROFILE)'
    : 'the kernel needs CONFIG_CHECKPOINT_RESTORE=y, or a security module must allow it';
  const advice = replaced
    ? `nothing, PR_SET_MM sets the same by field; else, ${cause}`
    : `no command changes that: ${cause}; programs start, but ps shows the wrong command line`;
  return { ...no(found, advice), required: !replaced };
}

function exeFile(): Answer {
  const [result, alone] = [probeExeFile('map'), probeExeFile('field')];
  if (result === undefined || alone === undefined) {
    const asked =
      result === undefined ? (['SYS_ADMIN', 'CHECKPOINT_RESTORE'] as const) : (['SYS_RESOURCE'] as const);
    const names = asked.filter((name) => hasCapability(CAPABILITY[name])).map((name) => `CAP_${name}`);
    return yes(`may be set${names.length === 0 ? '' : `, with ${names.join(' and ')}`}`);
  }
  const found = `refused, with ${result} in the map and ${alone} alone`;
  const lost = 'programs run, but /proc/PID/exe names the stub';
  if (probeMmMap() !== undefined) return no(found, `${lost}; first, see pr-set-mm-map`);
  const fix = opensNamespace() ? NAMESPACE_SHELL : shellWith('checkpoint_restore');
  const advice =
    fix === undefined
      ? `${lost}; CAP_CHECKPOINT_RESTORE was taken away: a container needs --cap-add CHECKPOINT_RESTORE`
      : `${lost}; CAP_CHECKPOINT_RESTORE allows it, which a shell with it gives to programs`;
  return no(found, advice, fix);
}

/** Whether this user may open a namespace. A program in it ends at once. */
function opensNamespace(): boolean {
  const [command = '', ...args] = [...NAMESPACE_SHELL.split(' '), 'true'];
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function mmFieldCalls(): Answer {
  const result = probeMmField();
  const mapped = probeMmMap() === undefined;
  if (result === undefined)
    return yes(
      `PR_SET_MM_START_CODE works; ${mapped ? 'not needed here' : 'used here'}, since PR_SET_MM_MAP ${mapped ? 'does' : 'does not'}`,
    );
  const has = hasCapability(CAPABILITY.SYS_RESOURCE) ? 'has' : 'lacks';
  const found = `PR_SET_MM_START_CODE gives ${result}; this process ${has} CAP_SYS_RESOURCE`;
  const fix = has === 'lacks' ? shellWith('sys_resource') : undefined;
  const when = mapped ? 'not needed here, where PR_SET_MM_MAP works' : 'needed here';
  const how =
    fix === undefined ? 'a container needs --cap-add SYS_RESOURCE' : 'a shell with it gives it to programs';
  return no(found, `${when}; CAP_SYS_RESOURCE allows it, in the first user namespace only: ${how}`, fix);
}

function lowestField(): Answer {
  const lowest = lowestMmField();
  const found = `PR_SET_MM takes addresses from ${hex(lowest)} on; lower ones are rounded up to it`;
  if (lowest <= BigInt(USUAL_LOWEST)) return yes(found);
  const advice = 'the identity of programs at low addresses is shown rounded up; lower vm.mmap_min_addr';
  return no(found, advice, setSysctl('vm.mmap_min_addr', USUAL_LOWEST));
}

const isFiltered = (): boolean => statusField('Seccomp') === '2';
