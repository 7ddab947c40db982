/** Programs with a runtime of their own: see languages.ts. */
import { LANGUAGES } from './languages.ts';
import { describePrograms } from './program.ts';

describePrograms('languages', LANGUAGES);
