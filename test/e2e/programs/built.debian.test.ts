import { BUILT } from './built.ts';
import { describePrograms } from './program.ts';

describePrograms('built', BUILT);
