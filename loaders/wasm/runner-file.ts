/** Where the build puts the program that runs WASI commands: beside the command and the library. */
import { join } from 'node:path';

export const RUNNER_FILE = join(import.meta.dirname, 'wasi-runner.cjs');
