/** Debian's update-binfmts(8), which keeps a database of its own of what is in its format files. */
import { spawnSync } from 'node:child_process';
import { ForeignError } from '../../errors.ts';

/** Puts what the format file of this name has into it, and tells the kernel if nobody has. Throws MACHINE_REFUSED. */
export const importIntoDatabase = (name: string): void => updateBinfmts('--import', name);

/** Takes it out, while the format file is still there. Throws MACHINE_REFUSED. */
export const removeFromDatabase = (name: string): void => updateBinfmts('--unimport', name);

function updateBinfmts(action: string, name: string): void {
  const { status, stderr, error } = spawnSync('update-binfmts', [action, name], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new ForeignError('MACHINE_REFUSED', `update-binfmts ${action} ${name} failed: ${said}`);
}
