/** What the stub's file brings along for the data page: the numbers its last code needs, in one block. */

import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import type { Step } from '../plan/plan.ts';
import { MM_MAP, RLIMIT64, SETTINGS } from './data-page.ts';
import type { Machine } from './machine.ts';
import type { FileAtStart } from './step-context.ts';

/** include/uapi/linux/resource.h */
const RLIM64_INFINITY = 0xffff_ffff_ffff_ffffn;

/** The mm map without its bases, the name, and room for the file's size. */
export function settings(
  step: Extract<Step, { op: 'mm' }>,
  comm: Uint8Array,
  files: readonly FileAtStart[],
  machine: Machine,
): Uint8Array {
  const bytes = new Uint8Array(SETTINGS.size);
  const view = new DataView(bytes.buffer);
  const word = (offset: number, value: bigint) =>
    view.setBigUint64(offset, BigInt.asUintN(machine.bits, value), true);
  MM_FIELD_NAMES.forEach((name, index) => {
    word(SETTINGS.mmMap + index * 8, step.fields.fields[name].offset);
  });
  const exe = step.exe === undefined ? -1 : numberOf(files[step.exe]);
  // What is found is set when it is.
  const auxvSize = step.fields.auxvSize === 'as found' ? 0 : step.fields.auxvSize;
  view.setUint32(SETTINGS.mmMap + MM_MAP.auxv_size, auxvSize, true);
  view.setInt32(SETTINGS.mmMap + MM_MAP.exe_fd, exe, true);
  bytes.set(comm.subarray(0, 15), SETTINGS.comm);
  word(SETTINGS.lowest, step.byField.lowest);
  word(SETTINGS.highest, step.byField.highest);
  word(SETTINGS.exe, BigInt(exe));
  view.setBigUint64(SETTINGS.dataLimit + RLIMIT64.rlim_cur, RLIM64_INFINITY, true);
  view.setBigUint64(SETTINGS.dataLimit + RLIMIT64.rlim_max, RLIM64_INFINITY, true);
  return bytes;
}

function numberOf(file: FileAtStart | undefined): number {
  // What is opened is set when it is.
  if (file === 'opened') return -1;
  if (typeof file === 'number') return file;
  throw new Error('the exe file of a plan has no descriptor');
}
