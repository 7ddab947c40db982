/** The fields of struct prctl_mm_map (include/uapi/linux/prctl.h) by which the kernel knows what a process is, in its order. */
export const MM_FIELD_NAMES = [
  'start_code',
  'end_code',
  'start_data',
  'end_data',
  'start_brk',
  'brk',
  'start_stack',
  'arg_start',
  'arg_end',
  'env_start',
  'env_end',
  'auxv',
] as const;

/** One of them. */
export type MmFieldName = (typeof MM_FIELD_NAMES)[number];
