/** Programs of our own, built in every way: see built.ts. */
import { BUILT } from './built.ts';
import { describePrograms } from './program.ts';

describePrograms('built', BUILT);
