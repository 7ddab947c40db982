/**
 * The tests of a loader, for vitest.
 * @module run-foreign/testkit
 */
export type { BrokenFile, LoaderCases, ProgramCase, Sample, Samples } from './cases.ts';
export { testLoader } from './test-loader.ts';
