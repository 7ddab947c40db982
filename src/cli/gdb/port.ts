/** Whether gdbserver can have its port: asked before, because it says so late, and not what to do. */
import { createServer } from 'node:net';
import { ForeignError } from '../../errors.ts';

/** Throws USAGE for a port that is taken, or that only the superuser may take. */
export function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const message = `--gdb: the port ${port} cannot be had: ${code}`;
      reject(new ForeignError('USAGE', message, { hint: 'take another' }));
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve()));
  });
}
