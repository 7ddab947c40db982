/** Programs that work on files: see files.ts. */
import { FILES } from './files.ts';
import { describePrograms } from './program.ts';

describePrograms('files', FILES);
