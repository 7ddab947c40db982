/** `run-foreign/testkit`: the tests of a loader, for vitest. */
export type { BrokenFile, LoaderCases, ProgramCase, Sample, Samples } from './cases.ts';
export { testLoader } from './test-loader.ts';
