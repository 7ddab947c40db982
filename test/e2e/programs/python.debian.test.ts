/** python3 and its own tests: see python.ts. */
import { describePrograms } from './program.ts';
import { PYTHON } from './python.ts';

describePrograms('python', PYTHON);
