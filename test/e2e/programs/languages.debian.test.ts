import { LANGUAGES } from './languages.ts';
import { describePrograms } from './program.ts';

describePrograms('languages', LANGUAGES);
