/** Where arguments and environment are: the first stack of the process says it, below the auxv (psABI, 3.4.1). */
import type { Mapping, ProcessState } from 'run-foreign/loader';
import type { MemoryView } from './memory-view.ts';

type StackField = 'start_stack' | 'arg_start' | 'arg_end' | 'env_start' | 'env_end';

/** More than a first stack has: 6 MiB of strings, and their pointers. */
const MAX_AREA = 8 * 2 ** 20;
const MAX_POINTERS = 1 << 20;
const WORD = 8;

/** Guessed where the first stack is not found: then all point to the stack pointer, and nobody reads anything wrong. */
export async function stackFields(
  auxv: Uint8Array,
  stack: Mapping | undefined,
  stackPointer: bigint,
  memory: MemoryView,
): Promise<Pick<ProcessState['mm'], StackField>> {
  const nothing = {
    start_stack: stackPointer,
    arg_start: stackPointer,
    arg_end: stackPointer,
    env_start: stackPointer,
    env_end: stackPointer,
  };
  if (stack === undefined || auxv.length === 0) return nothing;
  const from = stack.end - stackPointer > BigInt(MAX_AREA) ? stack.end - BigInt(MAX_AREA) : stackPointer;
  const area = await memory.bytes(from, Number(stack.end - from));
  const found = area?.lastIndexOf(Buffer.from(auxv)) ?? -1;
  if (area === undefined || found < 0) return nothing;
  return fromFirstStack(area, found, from) ?? nothing;
}

/** Before the auxv: argc, the pointers to arguments, 0, those to the environment, 0. */
function fromFirstStack(
  area: Buffer,
  auxvAt: number,
  base: bigint,
): Pick<ProcessState['mm'], StackField> | undefined {
  const word = (at: number) => (at >= 0 && at + WORD <= area.length ? area.readBigUInt64LE(at) : undefined);
  const pointersEndingAt = (end: number): number | undefined => {
    if (word(end) !== 0n) return undefined;
    let at = end - WORD;
    while (end - at < MAX_POINTERS * WORD && (word(at) ?? 0n) > BigInt(MAX_POINTERS)) at -= WORD;
    return at + WORD;
  };
  const env = pointersEndingAt(auxvAt - WORD);
  const args = env === undefined ? undefined : pointersEndingAt(env - WORD);
  if (env === undefined || args === undefined) return undefined;
  const argc = (env - WORD - args) / WORD;
  if (word(args - WORD) !== BigInt(argc) || argc === 0) return undefined;
  const argStart = word(args) ?? 0n;
  const hasEnvironment = env < auxvAt - WORD;
  const envStart = hasEnvironment ? (word(env) ?? 0n) : endOf(area, base, word(env - 2 * WORD) ?? 0n);
  const lastVariable = hasEnvironment ? word(auxvAt - 2 * WORD) : undefined;
  const envEnd = lastVariable === undefined ? envStart : endOf(area, base, lastVariable);
  if (argStart > envStart || envStart > envEnd) return undefined;
  const start_stack = base + BigInt(args - WORD);
  return { start_stack, arg_start: argStart, arg_end: envStart, env_start: envStart, env_end: envEnd };
}

/** Behind a string's NUL. */
function endOf(area: Buffer, base: bigint, address: bigint): bigint {
  const at = Number(address - base);
  const end = at >= 0 && at < area.length ? area.indexOf(0, at) : -1;
  return end < 0 ? address : base + BigInt(end) + 1n;
}
