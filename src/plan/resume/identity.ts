/** Who the process is to the kernel and to others: its mm fields and exe file, name, directories, personality. */
import { MM_FIELD_NAMES, type MmFieldName } from '../../image/mm-field-names.ts';
import { ADDRESS_SPACES } from '../../process/address-space.ts';
import { MM_CALL_NUMBER, type MmFieldCall, type MmFieldCalls, mmFieldCalls } from '../../process/mm-calls.ts';
import { absolute, type Place } from '../../process/place.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { NONE, PR } from './kernel.ts';
import { type CallStep, call, cString, shown, text } from './steps.ts';

const PR_SET_MM_MAP = 14;
/** Of struct prctl_mm_map, include/uapi/linux/prctl.h. */
const MM_MAP = { auxv: 88, auxv_size: 96, exe_fd: 100, size: 104 } as const;
const AT_NULL_SIZE = 16;
const ROOT = Buffer.from('/');

/** Before anything is opened. */
export function rootSteps({ state, paths }: ResumeContext): ResumeStep[] {
  if (Buffer.compare(state.root, ROOT) === 0) return [];
  return [call('chroot', [paths.of(state.root)], `change the root directory to ${shown(state.root)}`)];
}

export function directorySteps({ state: { cwd, umask }, paths }: ResumeContext): ResumeStep[] {
  return [
    ...(cwd === undefined ? [] : [call('chdir', [paths.of(cwd)], `change the directory to ${shown(cwd)}`)]),
    ...(umask === undefined ? [] : [call('umask', [umask], 'set the umask')]),
  ];
}

/** After all memory is mapped: it changes what mmap(2) does. */
export function personalitySteps({ state, host }: ResumeContext): ResumeStep[] {
  if (state.personality === host.personality) return [];
  return [call('personality', [state.personality], 'set the personality')];
}

/**
 * PR_SET_MM_MAP, first with the exe file, then without and that alone, and where the kernel refuses the map, field by field
 * (prctl(2)). All of it is as execve's: what is refused never stops the process.
 */
export function mmSteps(context: ResumeContext): ResumeStep[] {
  const { state, invocation, materials, host } = context;
  const auxv = { bytes: fittingAuxv(state.auxv, host.auxvSize) };
  const map = new Uint8Array(MM_MAP.size);
  const view = new DataView(map.buffer);
  MM_FIELD_NAMES.forEach((name, index) => {
    if (name !== 'auxv') view.setBigUint64(index * 8, state.mm[name], true);
  });
  view.setUint32(MM_MAP.auxv_size, auxv.bytes.length, true);
  view.setInt32(MM_MAP.exe_fd, -1, true);
  const setMap = (what: string, onError: CallStep['onError'], skipOnSuccess: number) =>
    call('prctl', [PR.SET_MM, PR_SET_MM_MAP, { bytes: map }, MM_MAP.size, 0], what, {
      onError,
      skipOnSuccess,
    });
  const what = 'tell the kernel what the process is (PR_SET_MM_MAP)';
  const auxvStep = storeStep(auxv, { bytes: map, plus: MM_MAP.auxv }, 8);
  const byField = fieldSteps(context, auxv);
  if (invocation.exe === undefined) return [auxvStep, setMap(what, 'ignore', byField.length), ...byField];
  const exe: Value = { kept: `file ${materials.file(invocation.exe)}` };
  const exeAlone = call('prctl', [PR.SET_MM, MM_CALL_NUMBER.exe_file, exe, 0, 0], 'set the exe file', {
    onError: 'say',
  });
  return [
    auxvStep,
    storeStep(exe, { bytes: map, plus: MM_MAP.exe_fd }, 4),
    setMap(what, 'ignore', byField.length + 3),
    storeStep(NONE, { bytes: map, plus: MM_MAP.exe_fd }, 4),
    setMap(what, 'ignore', byField.length),
    ...byField,
    exeAlone,
  ];
}

const storeStep = (value: Value, to: Value, size: 4 | 8): ResumeStep => ({ op: 'store', value, to, size });

/** What an older kernel has no room for stays away from the end, before AT_NULL. */
function fittingAuxv(auxv: Uint8Array, most: number): Uint8Array {
  if (auxv.length <= most) return auxv;
  const cut = Uint8Array.from(auxv.subarray(0, most));
  return cut.fill(0, most - AT_NULL_SIZE);
}

function fieldSteps({ state }: ResumeContext, auxv: { bytes: Uint8Array }): ResumeStep[] {
  const place = (name: MmFieldName) => absolute(name === 'auxv' ? state.mm.start_stack : state.mm[name]);
  const fields = Object.fromEntries(MM_FIELD_NAMES.map((name) => [name, place(name)]));
  const calls = mmFieldCalls(
    { fields: fields as Record<MmFieldName, Place>, auxvSize: auxv.bytes.length },
    ADDRESS_SPACES.x86_64.taskSize,
    false,
  );
  return calls.sequence.map(({ field, to }) => {
    const what = `set the field ${field} of the process`;
    const args = [PR.SET_MM, MM_CALL_NUMBER[field], ...fieldArguments(field, to, calls, state.mm, auxv), 0];
    return call('prctl', args, what, { onError: to === 'wanted' ? 'say' : 'ignore' });
  });
}

function fieldArguments(
  field: MmFieldCall['field'],
  to: MmFieldCall['to'],
  { lowest, highest }: MmFieldCalls,
  mm: ResumeContext['state']['mm'],
  auxv: { bytes: Uint8Array },
): [Value, bigint] {
  if (to !== 'wanted') return [to === 'lowest' ? lowest : highest, 0n];
  if (field === 'auxv') return [auxv, BigInt(auxv.bytes.length)];
  return [field === 'exe_file' ? NONE : mm[field], 0n];
}

/** What prctl(2) has set for the process as a whole. `dumpable` comes last: other calls reset it. */
export function attributeSteps({ state }: ResumeContext): ResumeStep[] {
  const { attributes } = state;
  const steps: ResumeStep[] = [];
  if (attributes.childSubreaper)
    steps.push(call('prctl', [PR.SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'adopt orphans', { onError: 'say' }));
  if (attributes.thpDisabled)
    steps.push(call('prctl', [PR.SET_THP_DISABLE, 1, 0, 0, 0], 'forbid huge pages', { onError: 'say' }));
  if (attributes.oomScoreAdjust !== 0) steps.push(...oomSteps(attributes.oomScoreAdjust));
  return steps;
}

function oomSteps(score: number): ResumeStep[] {
  const what = 'set oom_score_adj';
  const bytes = cString(Buffer.from(String(score)));
  const file = { kept: 'oom_score_adj' };
  const onError = 'say' as const;
  const path = text('/proc/self/oom_score_adj');
  return [
    call('openat', [BigInt.asUintN(64, -100n), path, 1, 0], what, {
      keep: 'oom_score_adj',
      onError,
      skipOnError: 2,
    }),
    call('write', [file, { bytes }, bytes.length - 1], what, { onError }),
    call('close', [file], what),
  ];
}

/** prctl(2): 0 and 1 can be set; 2 is what fs.suid_dumpable has made of a process, and 0 is what comes nearest to it. */
export function dumpableSteps({ state, materials }: ResumeContext): ResumeStep[] {
  // What was sealed stays closed.
  const dumpable = state.attributes.dumpable === 1 && materials.vault?.confidential !== true ? 1 : 0;
  return [call('prctl', [PR.SET_DUMPABLE, dumpable, 0, 0, 0], 'set whether it can be dumped')];
}

export function nameStep(comm: Uint8Array): ResumeStep {
  return call('prctl', [PR.SET_NAME, { bytes: cString(comm) }, 0, 0, 0], 'set the name', { onError: 'say' });
}
