/** ProgramImage + invocation → Plan. Pure: the same image, host facts and random bytes give the same plan. */
import { ForeignError } from '../errors.ts';
import { type ImagePart, type ProgramImage, WORD_SIZE } from '../image/image.ts';
import { validateImage } from '../image/validate.ts';
import { ADDRESS_SPACES, PAGE_SIZE, pageEnd } from '../process/address-space.ts';
import { auxvTypesFor } from '../process/auxv.ts';
import { ENTRY_FRAME_ROOM } from '../process/entry-frame.ts';
import { FIRST_STACKS } from '../process/first-stack.ts';
import type { HostFacts } from '../process/host.ts';
import { basePage, type Layout, layOut, span } from '../process/layout.ts';
import { mmFieldCalls } from '../process/mm-calls.ts';
import { mmFields } from '../process/mm-fields.ts';
import { buildStackImage, type StackImage } from '../process/stack-image.ts';
import type { BackingFile } from '../source/source.ts';
import { mapPart } from './mappings.ts';
import { Materials } from './materials.ts';
import { checkMemory } from './memory.ts';
import { fixedPages, type PageRange } from './page-ranges.ts';
import type { Plan, Step } from './plan.ts';

/** TASK_COMM_LEN without the NUL. */
const MAX_COMM = 15;
/** fs/exec.c, bprm_stack_limits: strings and pointers get a quarter of the stack, and never over 6 MiB. */
const MAX_STACK_FOR_STRINGS = 6n * 1024n * 1024n;
const MIN_STACK_FOR_STRINGS = 128n * 1024n;
/** What the stub's last instructions find below the stack pointer, bytes: the flags, the entry point and struct prctl_mm_map. */
const stubBytes = ({ arch }: ProgramImage) => 15n * BigInt(WORD_SIZE[arch]);
/** MAX_ARG_STRLEN: one string with its NUL. */
const MAX_STRING = 32 * 4096;

export interface Invocation {
  /** For messages: the program as the user named it. */
  readonly program: string;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
  /** The file name the process is known by: AT_EXECFN, and its last part is the short name. */
  readonly execfn: Uint8Array;
  /** The file /proc/PID/exe is to name, if there is one. */
  readonly exe?: BackingFile | undefined;
  /** Whether the stub says which parts of the identity the kernel would not set. */
  readonly report?: boolean;
  /** What is to be the program's standard input, when it is not what we have. */
  readonly stdin?: BackingFile | undefined;
  /** Descriptors of the caller's that the program does not get. */
  readonly closed?: readonly number[];
  /** Whether it is to stop for its debugger before its first instruction. */
  readonly stop?: boolean;
}

/** Throws IMAGE_REFUSED, MACHINE_REFUSED or TOO_BIG. */
export function planProgram(image: ProgramImage, invocation: Invocation, host: HostFacts): Plan {
  validateImage(image, ADDRESS_SPACES[image.arch].taskSize);
  const layout = layOut(image, host);
  const stack = firstStack(image, invocation, layout, host);
  const materials = new Materials([...image.segments, ...(image.interpreter?.segments ?? [])]);
  const own = partSteps(image, 'image', layout, materials);
  // The kernel maps an interpreter with a place of its own over whatever the program has there.
  const over = layout.interp(0n).base === 'absolute' ? fixedPages(own) : [];
  const parts =
    image.interpreter === undefined
      ? own
      : [...own, ...partSteps(image.interpreter, 'interp', layout, materials, over)];
  const memory = [
    ...vdsoSteps('aside', parts, layout, host),
    ...parts,
    ...vdsoSteps('back', parts, layout, host),
  ];
  checkMemory(memory, host);
  const exe = invocation.exe === undefined ? undefined : materials.file(invocation.exe);
  const stdin = invocation.stdin === undefined ? undefined : materials.file(invocation.stdin);
  const starting =
    image.interpreter === undefined ? layout.image(image.entry) : layout.interp(image.interpreter.entry);
  const fields = mmFields(image, layout, stack, host);
  const byField = mmFieldCalls(fields, layout.space.taskSize, exe !== undefined);
  return {
    arch: image.arch,
    program: invocation.program,
    comm: shortName(invocation.execfn),
    stub: layout.stub,
    execution: image.stack.execution,
    files: materials.files,
    stack,
    steps: [
      ...(materials.vault?.confidential === true ? [{ op: 'seclude' } as const] : []),
      ...memory,
      { op: 'stack' },
      { op: 'leave' },
      { op: 'mm', fields, byField, ...(exe !== undefined && { exe }), report: invocation.report === true },
      { op: 'name' },
      ...(stdin === undefined ? [] : [{ op: 'stdin', file: stdin } as const]),
      ...materials.files.map((_, file): Step => ({ op: 'close', file })),
      ...(invocation.closed ?? []).map((descriptor): Step => ({ op: 'drop', descriptor })),
      ...(invocation.stop === true ? [{ op: 'stop' } as const] : []),
      {
        op: 'jump',
        entry: starting,
        sp: { base: 'stack', offset: stack.sp },
        ...(stack.exePath !== undefined && { rdx: { base: 'stack', offset: stack.exePath } }),
      },
    ],
  };
}

export function partSteps(
  part: ImagePart,
  base: 'image' | 'interp',
  layout: Layout,
  materials: Materials,
  before: readonly PageRange[] = [],
): Step[] {
  const steps = mapPart(part, layout[base], materials, before);
  if (part.placement.kind !== 'mmap' || layout[base](0n).base === 'absolute') return steps;
  const { align } = part.placement;
  const { start, end } = span(part);
  const first = steps.find((step) => step.op === 'mmap');
  const what = base === 'image' ? 'room for the program' : 'room for its interpreter';
  return [
    {
      op: 'reserve',
      base,
      start: basePage(part),
      size: end - start,
      align,
      ...(first?.file && { file: first.file }),
      what,
    },
    ...steps,
  ];
}

/**
 * The step that loads the image's interpreter when the stub runs, from its path, instead of the steps with the base
 * `interp`; the jump then goes to 'interpreter entry'. Undefined where that must be planned: there is no interpreter,
 * it is no file of this machine, or it does not go where the kernel finds room.
 */
export function interpreterStep(image: ProgramImage): Extract<Step, { op: 'interpreter' }> | undefined {
  const { interpreter } = image;
  if (interpreter === undefined) return undefined;
  const { placement, source } = interpreter;
  if (placement.kind !== 'mmap' || placement.align > PAGE_SIZE || source.file === undefined) return undefined;
  if (source.confidential || source.file.offset !== 0) return undefined;
  return { op: 'interpreter', path: source.file.path, what: 'its interpreter' };
}

/** The vDSO only gets in the way of parts that the kernel finds room for. It waits at the end of the stub's room. */
export function vdsoSteps(
  go: 'aside' | 'back',
  parts: readonly Step[],
  layout: Layout,
  host: HostFacts,
): Step[] {
  if (!parts.some(({ op }) => op === 'reserve' || op === 'interpreter')) return [];
  const pieces = host.vdsoPieces();
  if (pieces.length === 0) return [];
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0n);
  return [{ op: 'vdso', go, aside: layout.stub + layout.space.stubReserve - size, pieces }];
}

function firstStack(
  image: ProgramImage,
  invocation: Invocation,
  layout: Layout,
  host: HostFacts,
): StackImage {
  const { argv, envp, execfn } = invocation;
  checkStrings(argv, envp, execfn, host);
  const { layout: wish } = image.stack;
  const build = typeof wish === 'function' ? wish : FIRST_STACKS[wish];
  const stack = build({
    image,
    argv,
    envp,
    execfn,
    auxvTypes: auxvTypesFor(image.arch, host.auxvTypes),
    random: host.random,
    randomize: host.randomizeVaSpace > 0,
  });
  const exePath = image.registers === undefined ? undefined : invocation.exe?.path;
  const built = buildStackImage(stack, image.arch, layout, host.stackLimit, exePath);
  const below = invocation.stop === true ? BigInt(ENTRY_FRAME_ROOM) : stubBytes(image);
  checkStackLimit(built, below, host);
  return built;
}

/**
 * Strings may be 128 KiB under any limit, but no stack grows past its limit (fs/exec.c, get_arg_page:
 * E2BIG): the stub would die while it writes. Only the page the kernel begins with is always there.
 * `below` is what the stub needs under the stack pointer.
 */
function checkStackLimit(stack: StackImage, below: bigint, host: HostFacts): void {
  const needed = pageEnd(-stack.sp + below);
  if (needed <= PAGE_SIZE || needed <= host.stackLimit) return;
  throw new ForeignError(
    'TOO_BIG',
    `needs a stack of ${needed} bytes to begin with, the limit is ${host.stackLimit} (E2BIG)`,
    { hint: 'see ulimit -s' },
  );
}

/** The limits execve(2) describes under "Limits on size of arguments and environment" (E2BIG). */
function checkStrings(
  argv: readonly Uint8Array[],
  envp: readonly Uint8Array[],
  execfn: Uint8Array,
  host: HostFacts,
): void {
  let total = BigInt(execfn.length + 1);
  for (const string of [...argv, ...envp]) {
    if (string.length + 1 > MAX_STRING) {
      throw new ForeignError(
        'TOO_BIG',
        `an argument or environment string is longer than ${MAX_STRING} bytes (E2BIG)`,
      );
    }
    // The kernel counts 8 bytes a pointer, also for 32-bit programs.
    total += BigInt(string.length + 1 + 8);
  }
  let limit = host.stackLimit / 4n;
  if (limit > MAX_STACK_FOR_STRINGS) limit = MAX_STACK_FOR_STRINGS;
  if (limit < MIN_STACK_FOR_STRINGS) limit = MIN_STACK_FOR_STRINGS;
  if (total > limit) {
    throw new ForeignError(
      'TOO_BIG',
      `arguments and environment take ${total} bytes, the limit is ${limit} (E2BIG)`,
      {
        hint: 'a quarter of the stack limit counts: see ulimit -s',
      },
    );
  }
}

/** What the kernel calls a process by this path, at most 15 bytes. */
export function shortName(path: Uint8Array): Uint8Array {
  return path.subarray(path.lastIndexOf(0x2f) + 1).subarray(0, MAX_COMM);
}
