/**
 * The library: starts programs in any of the formats, loads them, and shows how they would be started.
 * @module run-foreign
 */

export { builtinLoaders } from '../loaders/index.ts';
export { emitStub } from './emit/stub.ts';
export { type ErrorCode, ForeignError, FormatError, type FormatLocation } from './errors.ts';
export type { ProgramImage, Segment } from './image/image.ts';
export { type LoadedProgram, loadProgram } from './launch/load.ts';
export { type PreparedProgram, prepareProgram } from './launch/prepare.ts';
export type { ProgramRequest } from './launch/request.ts';
export { type StartListeners, startPlan } from './launch/start.ts';
export type { ForeignProgram } from './library/acquire.ts';
export { execForeign } from './library/exec.ts';
export type { ForeignResult, ResultWishes } from './library/foreign-result.ts';
export { LoadedImage, loadImage } from './library/loaded-image.ts';
export type { ProgramLocation } from './library/open.ts';
export type { ForeignNetwork, LoaderOptionValue, LoadOptions } from './library/options.ts';
export { type ForeignPlan, planProgram } from './library/plan-program.ts';
export { ForeignProcessError } from './library/result-error.ts';
export { spawnForeign } from './library/spawn.ts';
export type {
  ForeignChild,
  ForeignStdio,
  OutputOf,
  ResultOf,
  SpawnForeignOptions,
  WithResult,
} from './library/spawn-types.ts';
export { defineLoader, type LoaderPlugin, type Secrets } from './loader/contract.ts';
export type { Plan, Step } from './plan/plan.ts';
export { memorySource } from './source/memory.ts';
export type { Source } from './source/source.ts';
export type { Trace, TraceEvent, TraceEventName } from './trace.ts';
