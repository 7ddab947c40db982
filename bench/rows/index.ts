/** All figures; a group is a file beside this one. */
import type { MakeGroup } from '../row.ts';
import { checkpoints } from './checkpoints.ts';
import { footprint } from './footprint.ts';
import { growth } from './growth.ts';
import { https } from './https.ts';
import { packed } from './packed.ts';
import { sealed } from './sealed.ts';
import { starts } from './starts.ts';

export const GROUPS: Readonly<Record<string, MakeGroup>> = {
  starts,
  growth,
  footprint,
  checkpoints,
  sealed,
  https,
  packed,
};
