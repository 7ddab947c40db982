/**
 * Everything a loader plugin needs, and all it may import.
 * @module run-foreign/loader
 */
export {
  about,
  type ErrorCode,
  ForeignError,
  FormatError,
  type FormatLocation,
  hex,
} from '../errors.ts';
export type {
  Arch,
  FirstStack,
  FirstStackLayout,
  FirstStackRequest,
  ImagePart,
  InterpreterImage,
  ObjectExtent,
  Placement,
  ProgramImage,
  Protection,
  Range,
  ResumedProcess,
  Segment,
  StackExecution,
  StackString,
  StackWord,
} from '../image/image.ts';
export { MM_FIELD_NAMES, type MmFieldName } from '../image/mm-field-names.ts';
export { processImage } from '../image/process-image.ts';
export {
  type Credentials,
  type Descriptor,
  type EpollWatch,
  type FileLock,
  type FileReference,
  type IntervalTimer,
  type MachineState,
  type Mapping,
  type MappingBacking,
  type OpenFile,
  type PosixTimer,
  type ProcessAttributes,
  type ProcessIds,
  type ProcessState,
  REGISTER_NAMES,
  type RegisterName,
  type Registers,
  type ResourceLimit,
  type SignalAction,
  type StoredContent,
  type ThreadState,
  type VdsoState,
  VM_FLAGS,
  type VmFlag,
} from '../image/process-state.ts';
export { parseRegisters, registerBytes } from '../image/registers.ts';
export { buildIdOf } from '../source/build-id.ts';
export { memorySource, sourceFrom } from '../source/memory.ts';
export {
  type BackingFile,
  checkRange,
  isMappable,
  type OnProgress,
  obligations,
  type Source,
} from '../source/source.ts';
export type {
  IdentityFile,
  IdentityName,
  Limits,
  LoadContext,
  Loaded,
  LoaderPlugin,
  Magic,
  NamedProgram,
  ProbeContext,
  ProgramSymbol,
  Secrets,
  Verdict,
} from './contract.ts';
export { API_VERSION, defineLoader } from './contract.ts';
export type { OptionSpec, OptionSpecs, OptionValues } from './options.ts';
export {
  type FieldType,
  type FieldTypes,
  type FieldValues,
  type Struct,
  type StructValue,
  struct,
} from './struct.ts';
export { type ByteOrder, head, Structure, startsWith } from './structure.ts';
export { Unpacked } from './unpacked.ts';
