/** How the WebAssembly sample is made: no compiler is needed. */
import type { Artifact } from '../recipe/toolbox.ts';
import { printing, writeWasm } from './writer.ts';

export const WASM_ARTIFACTS: readonly Artifact[] = [
  { file: 'wasm/hello', executable: true, make: () => writeWasm(printing('hello from WebAssembly\n', 0)) },
];
