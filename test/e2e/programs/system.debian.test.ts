/** Shells and programs that ask where they run: see system.ts. */
import { describePrograms } from './program.ts';
import { SYSTEM } from './system.ts';

describePrograms('system', SYSTEM);
