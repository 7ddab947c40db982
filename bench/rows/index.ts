/** All figures; a group is a file beside this one. */
import type { MakeGroup } from '../row.ts';
import { https } from './https.ts';
import { packed } from './packed.ts';
import { sealed } from './sealed.ts';
import { start } from './start.ts';

export const GROUPS: Readonly<Record<string, MakeGroup>> = { start, sealed, https, packed };
