/** Compilers and linkers: see toolchain.ts. */
import { describePrograms } from './program.ts';
import { TOOLCHAIN } from './toolchain.ts';

describePrograms('toolchain', TOOLCHAIN);
