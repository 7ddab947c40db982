/**
 * Tiny programs that try something in a process of their own and say how it went by their exit status:
 * 0, or an errno counted down from 256. They start from memory, as every stub does.
 */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { elfHeaders, headersSize } from '../emit/elf-file.ts';
import { Emitter } from '../emit/emitter.ts';
import { MACHINES } from '../emit/machines.ts';
import { REG } from '../emit/x86.ts';
import { ForeignError } from '../errors.ts';
import type { Arch } from '../image/image.ts';
import { createStubFile, type StubFile } from '../launch/stub-file.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../process/address-space.ts';

/** include/uapi/asm-generic/mman-common.h: MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS */
const MAP_FIXED_ANONYMOUS = 0x32n;
/** The descriptor under which the program finds itself. */
const OWN_FD = 3;
const TIMEOUT_MS = 10_000;

/** What happened: undefined is success, else what went wrong, `EACCES` or a sentence. */
export type Outcome = string | undefined;

/** A program that does nothing but end well. */
export function tryExit(arch: Arch): Outcome {
  return runProgram(arch, (emitter) => emitter.code.moveImmediate(REG.ax, 0n));
}

/** Where programs start from when they may not from a memfd. */
export function replacementDirectory(): string | undefined {
  try {
    const file = createStubFile('run-foreign-check');
    file.close();
    return file.directory;
  } catch {
    return undefined;
  }
}

/** A program that maps the page at address 0. */
export function tryMapZero(): Outcome {
  return runProgram('x86_64', (emitter) =>
    emitter.systemCall('mmap', 0n, PAGE_SIZE, 0n, MAP_FIXED_ANONYMOUS, -1n, 0n),
  );
}

/** `emit` leaves what is to be the exit status in ax. */
function runProgram(arch: Arch, emit: (emitter: Emitter) => void): Outcome {
  let file: StubFile;
  try {
    file = createStubFile('run-foreign-check');
  } catch (error) {
    if (error instanceof ForeignError) return error.message;
    throw error;
  }
  try {
    file.finish(program(arch, emit));
    const { status, signal, error } = spawnSync(`/proc/self/fd/${OWN_FD}`, [], {
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
      timeout: TIMEOUT_MS,
    });
    if (error !== undefined) return (error as NodeJS.ErrnoException).code ?? error.message;
    if (signal !== null) return `it was killed by ${signal}`;
    return status === 0 ? undefined : errnoName(256 - (status ?? 0));
  } finally {
    file.close();
  }
}

function program(arch: Arch, emit: (emitter: Emitter) => void): Uint8Array {
  const machine = MACHINES[arch];
  const address = ADDRESS_SPACES[arch].quiet.start;
  const data = { address: address + PAGE_SIZE, size: PAGE_SIZE };
  const headers = headersSize(machine);
  const entry = address + BigInt(headers);
  const emitter = new Emitter(machine, entry, data.address);
  emit(emitter);
  const [status = REG.bx] = machine.parameters;
  emitter.code.move(status, REG.ax);
  emitter.code.moveImmediate(REG.ax, BigInt(machine.systemCalls.exit_group));
  emitter.code.systemCall();
  const code = emitter.code.finish();
  const size = BigInt(headers + code.length);
  return Buffer.concat([elfHeaders({ machine, address, entry, data, execution: 'none', size }), code]);
}

function errnoName(errno: number): string {
  return (
    Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `exit status ${256 - errno}`
  );
}
