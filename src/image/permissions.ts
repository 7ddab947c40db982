/** How memory may be accessed, as people read it. */
import type { Protection } from './image.ts';

/** As mmap(2) and /proc/PID/maps write it. */
export type ProtectionText = `${'r' | '-'}${'w' | '-'}${'x' | '-'}`;

export function permissions({ read, write, execute }: Protection): ProtectionText {
  return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
}
