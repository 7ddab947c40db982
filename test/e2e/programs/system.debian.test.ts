import { describePrograms } from './program.ts';
import { SYSTEM } from './system.ts';

describePrograms('system', SYSTEM);
