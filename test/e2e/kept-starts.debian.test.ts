/** Kept starts where the cache lies on a file system that does not take or execute them, and programs that Debian's packages have. */
import { chmodSync, copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KeptStarts, settle } from '../support/kept-starts.ts';
import { quote, run, SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const kept = new KeptStarts(directory);
const program = join(directory.path, 'program');

beforeAll(async () => {
  copyFileSync(join(SAMPLES, 'elf/x86_64/hello-static'), program);
  chmodSync(program, 0o755);
  await settle();
});

/** In a mount namespace where `mounts` was done; the home is `$HOME`. */
function withMounts(mounts: string, command: string) {
  const namespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['-Ur'])];
  const words = ['sh', '-ec', `${mounts}\n${command}`];
  return kept.counted(() => run('unshare', [...namespace, ...words], { env: kept.env }));
}

const start = `${quote(kept.command)} ${quote(program)}`;

test('where nothing may be executed there, Node is asked each time, and what was kept is not written again', async () => {
  const show = 'stat -c %i "$HOME"/.cache/run-foreign/starts/*';
  const { stdout, stderr, node } = await withMounts(
    'mount -t tmpfs -o noexec,mode=700 tmpfs "$HOME"',
    `${start}; ${show}; ${start}; ${show}`,
  );
  const { stdout: hello } = await run(program);
  expect({ stderr, node }).toEqual({ stderr: '', node: true });
  const [first, inode, second, same] = stdout.match(/[^\n]+\n/g) ?? [];
  expect([first, second]).toEqual([hello, hello]);
  expect(inode).toMatch(/^\d+\n$/);
  expect(same).toBe(inode);
});

test('in a home that is read-only nothing is kept, and nobody is told', async () => {
  const outcome = await withMounts(
    'mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"',
    `${start}; exec ${start}`,
  );
  const { stdout, ...rest } = await run(program);
  expect(outcome).toEqual({ ...rest, stdout: stdout + stdout, node: true });
  expect(readdirSync(kept.home)).toEqual([]);
});

test('the second start executes nothing but the launcher, the stub and what it is a stub of', async () => {
  await kept.keep([program]);
  const trace = join(directory.path, 'trace');
  await run('strace', ['-f', '-o', trace, kept.command, program], { env: kept.env });
  const { stdout } = await run('cat', [trace]);
  expect(stdout.match(/exec\w+\(.*= 0$/gm)).toHaveLength(2);
  expect(stdout).not.toMatch(/fork|clone/);
});
