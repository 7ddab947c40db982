import { describePrograms } from './program.ts';
import { PYTHON } from './python.ts';

describePrograms('python', PYTHON);
