/** The public library. */

export { emitStub } from './emit/stub.ts';
export { type ErrorCode, ForeignError, FormatError, type FormatLocation } from './errors.ts';
export type { ProgramImage, Segment } from './image/image.ts';
export { defineLoader, type LoaderPlugin } from './loader/contract.ts';
export type { Plan, Step } from './plan/plan.ts';
export { planProgram } from './plan/planner.ts';
