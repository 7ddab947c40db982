/** The launcher's writable memory: offsets in bytes. It begins as zeros; the first part is the emitter's own. */
import { DATA } from '../emit/data-page.ts';
import type { Emitter } from '../emit/emitter.ts';
import { REG } from '../emit/x86.ts';
import { BLOCK } from './calls.ts';
import { CONTROL_SIZE } from './protocol.ts';
import { MAX_START_SIZE } from './start-file.ts';

/** PATH_MAX, include/uapi/linux/limits.h */
export const PATH_MAX = 4096;
const SIZEOF = { sigaction: 32, siginfo: 128, msghdr: 56, iovec: 16, stat: 144, new_utsname: 390 };

const sizes = {
  pair: 8,
  parentSocket: 8,
  childSocket: 8,
  pid: 8,
  status: 8,
  /** F_GETFL of 0, 1 and 2. */
  stdioFlags: 24,
  stubFd: 8,
  /** struct rlimit64: soft, hard. */
  oldLimit: 16,
  newLimit: 16,
  envp: 8,
  argv: 8,
  path: 8,
  searched: 8,
  /** Whether binfmt_misc's arguments are left to Node. */
  fromBinfmt: 8,
  /** struct sigaction as the system call has it: handler, flags, restorer, mask. */
  defaultAction: SIZEOF.sigaction,
  ignoreAction: SIZEOF.sigaction,
  oldAction: SIZEOF.sigaction,
  sigchldSet: 8,
  noTime: 16,
  wasPending: 8,
  siginfo: SIZEOF.siginfo,
  message: SIZEOF.msghdr,
  vector: SIZEOF.iovec,
  block: BLOCK.size,
  control: CONTROL_SIZE,
  stubArgv: 16,
  nodeArgv0: 64,
  script: PATH_MAX + 8,
  candidate: PATH_MAX + 8,
  /** What the environment says of the user's directories. */
  home: 8,
  configHome: 8,
  cacheHome: 8,
  programFd: 8,
  directoryFd: 8,
  startFd: 8,
  programStat: SIZEOF.stat,
  directoryStat: SIZEOF.stat,
  startStat: SIZEOF.stat,
  kernel: SIZEOF.new_utsname,
  startName: 40,
  start: MAX_START_SIZE,
};

/** Where it begins: where static programs usually stand. */
export const DATA_ADDRESS = 0x400000n;

export type Slot = keyof typeof sizes;

function place(): { readonly at: Record<Slot, number>; readonly size: number } {
  const at = {} as Record<Slot, number>;
  let next: number = DATA.settings;
  for (const [name, size] of Object.entries(sizes)) {
    at[name as Slot] = next;
    next += Math.ceil(size / 8) * 8;
  }
  return { at, size: next };
}

const placed = place();
export const DATA_SIZE = BigInt(placed.size);

/** The launcher's block of calls. */
export const BLOCK_ADDRESS = DATA_ADDRESS + BigInt(placed.at.block);

/** A slot's address plus some bytes, for system calls that want a pointer. */
export function address(emitter: Emitter, slot: Slot, plus = 0): bigint {
  return emitter.dataAddress + BigInt(placed.at[slot] + plus);
}

/** What a slot holds, as an argument. */
export const held = (slot: Slot, plus = 0) => ({ data: placed.at[slot] + plus });

export function memory(emitter: Emitter, slot: Slot, plus = 0) {
  return emitter.data(placed.at[slot] + plus);
}

/** Stores a number; changes ax. */
export function set(emitter: Emitter, slot: Slot, value: bigint, plus = 0): void {
  emitter.code.moveImmediate(REG.ax, value);
  emitter.code.store(memory(emitter, slot, plus), REG.ax);
}
