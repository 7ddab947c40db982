/**
 * Tiny programs that try something in a process of their own and say how it went by their exit status:
 * 0, or an errno counted down from 256. They start from memory, as every stub does.
 */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { elfHeaders, headersSize } from '../../emit/elf-file.ts';
import { Emitter } from '../../emit/emitter.ts';
import { MACHINES } from '../../emit/machines.ts';
import { REG } from '../../emit/x86.ts';
import { ForeignError } from '../../errors.ts';
import type { Arch } from '../../image/image.ts';
import { createStubFile, type StubFile } from '../../launch/stub-file.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../../process/address-space.ts';

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

/** include/uapi/linux/sched.h: struct clone_args up to set_tid_size (CLONE_ARGS_SIZE_VER1), in words. */
const CLONE_ARGS = { set_tid: 8, set_tid_size: 9, words: 10 } as const;
/** arch/x86/entry/syscalls/syscall_64.tbl */
const CLONE3 = 435;

/**
 * A program that asks for a child with number 1, which is in use: EEXIST says that it may choose, because who may not is refused
 * before that is looked at (alloc_pid in kernel/pid.c).
 */
export function tryOldPid(): Outcome {
  return runProgram('x86_64', (emitter) => {
    const { code } = emitter;
    const store = (word: number, value: bigint) => {
      code.moveImmediate(REG.ax, value);
      code.store(emitter.data(word * 8), REG.ax);
    };
    const numbers = CLONE_ARGS.words;
    store(numbers, 1n);
    store(CLONE_ARGS.set_tid, emitter.dataPlace(numbers * 8));
    store(CLONE_ARGS.set_tid_size, 1n);
    emitter.systemCallNumber(CLONE3, emitter.dataPlace(0), BigInt(CLONE_ARGS.words * 8));
  });
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
  if (machine.dataRegister !== undefined) emitter.code.moveImmediate(machine.dataRegister, data.address);
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
