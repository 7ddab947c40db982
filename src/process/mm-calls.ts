/**
 * The same identity set field by field: prctl(PR_SET_MM, PR_SET_MM_START_CODE …), for kernels and filters that
 * refuse PR_SET_MM_MAP. Each call is checked against the present values of all the others (kernel/sys.c,
 * validate_prctl_map_addr), so the order is planned here: no call depends on what the fields were before.
 */
import { MM_FIELD_NAMES, type MmFieldName } from '../image/mm-field-names.ts';
import { type MmFields, NEVER_TOO_LOW } from './mm-fields.ts';

/** PR_SET_MM_EXE_FILE beside the fields of the map: each has a call of its own. */
export type MmCallField = MmFieldName | 'exe_file';

/** PR_SET_MM_START_CODE and so on, include/uapi/linux/prctl.h. */
export const MM_CALL_NUMBER: Record<MmCallField, number> = {
  start_code: 1,
  end_code: 2,
  start_data: 3,
  end_data: 4,
  start_stack: 5,
  start_brk: 6,
  brk: 7,
  arg_start: 8,
  arg_end: 9,
  env_start: 10,
  env_end: 11,
  auxv: 12,
  exe_file: 13,
};

export interface MmFieldCall {
  readonly field: MmCallField;
  /** `wanted` is what the plan says the field is to be; the others make room for the calls that follow. */
  readonly to: 'lowest' | 'highest' | 'wanted';
}

export interface MmFieldCalls {
  /** At or below every field, the stub's own included. */
  readonly lowest: bigint;
  /** At or above every field. */
  readonly highest: bigint;
  readonly sequence: readonly MmFieldCall[];
}

export function mmFieldCalls({ fields }: MmFields, taskSize: bigint, hasExe: boolean): MmFieldCalls {
  let lowest = NEVER_TOO_LOW;
  for (const name of MM_FIELD_NAMES) {
    const { base, offset } = fields[name];
    if (base === 'absolute' && offset < lowest) lowest = offset;
  }
  return {
    lowest,
    highest: taskSize - 1n,
    sequence: [
      ...pair('start_code', 'end_code'),
      // Kernels before 5.14 want both ends of the heap above end_data, so the heap steps aside for the data.
      { field: 'brk', to: 'highest' },
      { field: 'start_brk', to: 'highest' },
      ...pair('start_data', 'end_data'),
      wanted('start_brk'),
      wanted('brk'),
      wanted('start_stack'),
      ...pair('arg_start', 'arg_end'),
      ...pair('env_start', 'env_end'),
      wanted('auxv'),
      ...(hasExe ? [wanted('exe_file')] : []),
    ],
  };
}

const wanted = (field: MmCallField): MmFieldCall => ({ field, to: 'wanted' });

/** An end may never be below its start: the start goes out of the way first. */
function pair(start: MmFieldName, end: MmFieldName): MmFieldCall[] {
  return [{ field: start, to: 'lowest' }, wanted(end), wanted(start)];
}
