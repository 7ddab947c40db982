/** The reference encoder as WebAssembly, in a file of its own because it is loaded only where something is compressed. */
export { Zstd } from '@hpcc-js/wasm-zstd';
