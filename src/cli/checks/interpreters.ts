/** What runs the programs that need another program. Each that is found is asked for its version. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type Answer, asRoot, type Check, no, yes } from './machine-check.ts';

export const INTERPRETERS: Readonly<Record<string, Check>> = {
  qemu: {
    title: 'other machines',
    neededFor: ['qemu'],
    tries: 'the commands are asked for their version: programs for other processors run',
    ask: qemu,
  },
  java: {
    title: 'Java',
    neededFor: ['java'],
    tries: 'java is asked for its version: JAR files run',
    ask: java,
  },
  wasm: {
    title: 'WebAssembly',
    neededFor: ['wasm', 'xz', 'zstd'],
    tries: 'a module is compiled: WebAssembly runs, and xz and zstd are unpacked',
    ask: wasm,
  },
  gdb: {
    title: 'debugger',
    neededFor: ['--gdb'],
    tries: 'the commands are asked for their version: programs start under a debugger',
    ask: debuggers,
  },
};

function debuggers(): Answer {
  const found = ['gdb', 'gdbserver'].filter(answersVersion);
  if (found.includes('gdb')) return yes(`${found.join(' and ')} ran`);
  const packages = { apt: 'gdb gdbserver', dnf: 'gdb gdb-gdbserver', apk: 'gdb' };
  return no('no gdb runs', '--gdb starts nothing before gdb is installed', installing(packages));
}

/** Of the machines that loaders/qemu/ knows, those that people have. */
const MACHINES = ['aarch64', 'arm', 'riscv64', 'ppc64le', 's390x', 'mips64el'];
const TIMEOUT_MS = 10_000;

function qemu(): Answer {
  const found = MACHINES.flatMap(
    (machine) => [`qemu-${machine}`, `qemu-${machine}-static`].find(answersVersion) ?? [],
  );
  if (found.length > 0) return yes(`${found.join(', ')} ran`);
  const advice = 'programs for other processors do not run before QEMU is installed, its user mode';
  return no(
    'no qemu-MACHINE runs',
    advice,
    installing({ apt: 'qemu-user', dnf: 'qemu-user', apk: 'qemu-aarch64' }),
  );
}

function java(): Answer {
  const version = versionOf('java', '-version');
  if (version !== undefined) return yes(version);
  const advice = 'JAR files do not run before a Java runtime is installed';
  const packages = {
    apt: 'default-jre-headless',
    dnf: 'java-latest-openjdk-headless',
    apk: 'openjdk21-jre-headless',
  };
  return no('no java runs', advice, installing(packages));
}

/** The smallest module: its magic and version. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

function wasm(): Answer {
  try {
    const { WebAssembly } = globalThis as { WebAssembly?: { Module: new (bytes: Uint8Array) => unknown } };
    if (WebAssembly === undefined) throw new Error('Node runs without a compiler');
    new WebAssembly.Module(MODULE);
    return yes(`Node ${process.version} has made a module`);
  } catch {
    return no(
      `Node ${process.version} makes no module`,
      'no command changes that: no memory may be written and then executed here (PR_SET_MDWE, SELinux), or address space is limited; WebAssembly does not run, and xz and zstd are not unpacked',
    );
  }
}

const answersVersion = (command: string): boolean => versionOf(command, '--version') !== undefined;

/** What a command in PATH says first; undefined if it does not run. */
function versionOf(command: string, option: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, [option], { encoding: 'utf8', timeout: TIMEOUT_MS });
  return status === 0 ? `${stdout}${stderr}`.split('\n')[0] : undefined;
}

/** By the package manager that is here. */
function installing(packages: Readonly<Record<'apt' | 'dnf' | 'apk', string>>): string | undefined {
  if (inPath('apt-get')) return asRoot(`apt-get install -y ${packages.apt}`);
  if (inPath('dnf')) return asRoot(`dnf install -y ${packages.dnf}`);
  return inPath('apk') ? asRoot(`apk add ${packages.apk}`) : undefined;
}

function inPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
