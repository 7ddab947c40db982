/** run-foreign as npm installs it from a registry, and whether such an installation works. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pack } from './package.ts';
import { type Registry, startRegistry } from './registry.ts';
import { NODE_PATH, type Outcome, type RunOptions, run, sh, temporary } from './run.ts';

export interface Shop {
  readonly registry: Registry;
  /** The package as a file. */
  readonly tarball: string;
  /** A directory for installations; everybody may look into it. */
  readonly path: string;
  /** Runs npm in a directory below `path`, which is made; throws where it fails. */
  npm(directory: string, ...args: string[]): Promise<string>;
  close(): Promise<void>;
}

export async function openShop(): Promise<Shop> {
  const directory = temporary();
  const { tarball } = await pack(directory.path);
  const registry = await startRegistry(directory.path, [tarball]);
  await sh('chmod 755 "$1"', [directory.path]);
  return {
    registry,
    tarball,
    path: directory.path,
    async npm(name, ...args) {
      const cwd = join(directory.path, name);
      mkdirSync(cwd, { recursive: true });
      const env = registry.environment(directory.path);
      const { status, stdout, stderr } = await run('npm', args, { cwd, env, timeout: 120_000 });
      if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    },
    async close() {
      await registry.close();
      directory.remove();
    },
  };
}

const GREETING = 'hello from elf x86_64 static\n';
const SUM = '3 6 30 words.txt\n';

/** How a command is started: the one of an installation, with arguments of its own before others if need be. */
export type Start = (args: readonly string[], options?: RunOptions) => Promise<Outcome>;

/** The command runs programs, one of them unpacked by a file beside it, and says what the machine allows. */
export async function expectCommandWorks(
  start: Start,
  samples: string,
  options: RunOptions = {},
): Promise<void> {
  const where = { cwd: join(samples, 'inputs'), ...options };
  const hello = await start([join(samples, 'elf/x86_64/hello-static')], where);
  expect(hello).toEqual({ status: 0, stdout: GREETING, stderr: '' });
  const tally = await start([join(samples, 'xz/tally-dynamic-pie.xz'), 'words.txt'], where);
  expect(tally).toEqual({ status: 0, stdout: SUM, stderr: '' });
  const check = await start(['check', '--json'], where);
  expect(check.stderr).toBe('');
  expect(JSON.parse(check.stdout).checks.length).toBeGreaterThan(3);
}

/** A script's text that starts a sample by the library and prints what that says. */
export const libraryScript = (load: string, samples: string): string => `
  const main = async () => {
    const { spawnForeign, ForeignError } = ${load};
    const child = await spawnForeign(${JSON.stringify(join(samples, 'elf/x86_64/hello-static'))});
    console.log((await child.result).stdout.trimEnd());
    const error = await spawnForeign('no-such-program').catch((error) => error);
    console.log(error instanceof ForeignError, error.code);
  };
  main();`;

export const LIBRARY_SAYS = `${GREETING}true PROGRAM_NOT_FOUND\n`;

/** Somebody who is not root and owns nothing here; root only can be somebody else. */
export const asNobody: Start | undefined =
  process.getuid?.() === 0
    ? ([command = '', ...args], options = {}) =>
        run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', command, ...args], {
          env: { PATH: NODE_PATH },
          ...options,
        })
    : undefined;
