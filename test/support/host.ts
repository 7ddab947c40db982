/** Host facts as plain data, so that plans depend on nothing of the machine the tests run on. */
export { AUXV_TYPES, countingBytes, fixedHost as fakeHost } from '../../src/testkit/fixed-host.ts';
