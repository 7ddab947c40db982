/** run-foreign as npm installs it from a registry, and whether such an installation works. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { pack, unpack } from './package.ts';
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

/** The version that comes after this one, from then on; `openShop` has both where it is asked to. */
export const NEXT = '99.0.0';

export async function openShop({ withNext = false } = {}): Promise<Shop> {
  const directory = temporary();
  const { tarball } = await pack(directory.path);
  const next = withNext ? [await packNext(directory.path, tarball)] : [];
  const registry = await startRegistry(directory.path, [tarball, ...next]);
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

/** The digest of its command, which a launcher has. */
export const buildIdOf = (launcher: Uint8Array): string =>
  /run-foreign st 1([0-9a-f]{32})/.exec(Buffer.from(launcher).toString('latin1'))?.[1] ?? 'none';

/** The package with another version and another digest of its command; V8 has compiled nothing of that. */
async function packNext(directory: string, tarball: string): Promise<string> {
  const files = unpack(tarball);
  const own = buildIdOf(files.get('dist/run-foreign') ?? Buffer.alloc(0));
  const next = [...own].reverse().join('');
  files.delete('dist/command.cache');
  for (const name of ['dist/run-foreign', 'dist/command.cjs'])
    files.set(name, Buffer.from(files.get(name)?.toString('latin1').replaceAll(own, next) ?? '', 'latin1'));
  const json = JSON.parse(String(files.get('package.json')));
  files.set('package.json', Buffer.from(JSON.stringify({ ...json, version: NEXT })));
  for (const [name, content] of files) {
    const path = join(directory, 'next', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o755 });
  }
  return (await pack(directory, join(directory, 'next'))).tarball;
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
