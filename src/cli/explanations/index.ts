/** What is said about every error code, in the order in which errors.ts has them. */
import type { ErrorCode } from '../../errors.ts';
import type { Explanation } from './explanation.ts';
import { FINDING } from './finding.ts';
import { IMAGE } from './image.ts';
import { OTHERS } from './others.ts';
import { TRUST } from './trust.ts';

export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  ...FINDING,
  ...IMAGE,
  ...TRUST,
  ...OTHERS,
};
