/** Debuggers, tracers and profilers: see debuggers.ts. */
import { DEBUGGERS } from './debuggers.ts';
import { describePrograms } from './program.ts';

describePrograms('debuggers', DEBUGGERS);
