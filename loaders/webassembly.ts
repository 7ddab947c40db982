/** What decoders that are WebAssembly have in common. */
import { ForeignError } from 'run-foreign/loader';

interface Memory {
  readonly buffer: ArrayBuffer;
}

/**
 * Remembers a module's memory; the function that is returned puts it back, so that nothing stays there of what was
 * unpacked meanwhile, and the module can be used again.
 */
export function rememberMemory(memory: Memory): () => void {
  const before = new Uint8Array(memory.buffer).slice();
  return () => {
    const now = new Uint8Array(memory.buffer);
    now.set(before);
    now.fill(0, before.length);
  };
}

/** There is no WebAssembly, or no memory for it: `tool` unpacks such files. */
export function cannotUnpack(why: string, tool: string, cause?: unknown): ForeignError {
  return new ForeignError('MACHINE_REFUSED', `cannot be unpacked here: ${why}`, {
    hint: `WebAssembly must be allowed, and have memory; or unpack it before with ${tool} -d`,
    cause,
  });
}
