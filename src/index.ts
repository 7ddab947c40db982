/** The public library. */

export { builtinLoaders } from '../loaders/index.ts';
export { emitStub } from './emit/stub.ts';
export { type ErrorCode, ForeignError, FormatError, type FormatLocation } from './errors.ts';
export type { ProgramImage, Segment } from './image/image.ts';
export { type LoadedProgram, loadProgram, type ProgramRequest, prepareProgram } from './launch/prepare.ts';
export { type StartListeners, startPlan } from './launch/start.ts';
export { defineLoader, type LoaderPlugin, type Secrets } from './loader/contract.ts';
export type { Plan, Step } from './plan/plan.ts';
export { planProgram } from './plan/planner.ts';
export { memorySource } from './source/memory.ts';
export type { Source } from './source/source.ts';
