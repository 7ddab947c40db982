/** The first stack, read as the program reads it, against what the invocation asks for. */
import type { StackImage } from '../../../src/process/stack-image.ts';
import { placeStack, type ReadStack, readSysv } from '../../support/stack-reader.ts';
import { KERNEL } from './kernel-areas.ts';
import { PAGE, pageUp } from './parts.ts';
import { type Judged, type Verdicts, wordSize } from './rules.ts';

/** AT_ numbers, include/uapi/linux/auxvec.h. */
const AT = { PHDR: 3, PHENT: 4, PHNUM: 5, EXECFN: 31, SYSINFO: 32, BASE_PLATFORM: 24 };
/** The stub's last jump puts the flags and the entry point below the stack pointer. */
const BELOW_STACK_POINTER = 2n;

export function checkStack(judged: Judged, verdicts: Verdicts): void {
  const { plan, image, host } = judged;
  const { stack } = plan;
  const size = wordSize(plan.arch);
  const jump = plan.steps.at(-1);
  const align = image.stack.layout === 'aout' ? BigInt(size) : 16n;
  verdicts.rule(
    'stack-pointer',
    stack.sp === BigInt(-stack.bytes.length) &&
      stack.sp % align === 0n &&
      jump?.op === 'jump' &&
      jump.sp.base === 'stack' &&
      jump.sp.offset === stack.sp,
    () => `sp is ${stack.sp}`,
  );
  // The kernel makes the first page without asking; all the others count.
  const limit = host.stackLimit > PAGE ? host.stackLimit : PAGE;
  const needed = pageUp(-stack.sp + BELOW_STACK_POINTER * BigInt(size));
  verdicts.rule('stack-size', needed <= limit, () => `${needed} bytes of ${host.stackLimit}`);
  if (!checkPointers(stack, size, verdicts)) return;
  try {
    checkContents(judged, verdicts);
  } catch (error) {
    // The reader follows pointers as a program does, which would die here.
    verdicts.rule('stack-words', false, () => String(error));
  }
}

function checkContents(judged: Judged, verdicts: Verdicts): void {
  const { plan, image } = judged;
  const { stack } = plan;
  const size = wordSize(plan.arch);
  const end = KERNEL[plan.arch].taskSize - 0x2000n;
  const read = placeStack(stack, size, { stack: end, image: 0x4000_0000n, interp: 0x5000_0000n });
  if (image.stack.layout === 'sysv') checkSysv(judged, read, end, verdicts);
  else if (image.stack.layout === 'aout') checkAout(judged, read, verdicts);
  checkRdx(judged, read, end, verdicts);
  checkRange(read, end, stack.arg, judged.invocation.argv, 'arguments', verdicts);
  checkRange(read, end, stack.env, judged.invocation.envp, 'environment', verdicts);
}

/** Whether the runs can be followed at all. */
function checkPointers(stack: StackImage, size: number, verdicts: Verdicts): boolean {
  let after = 0;
  let good = true;
  for (const { offset, count } of stack.pointers) {
    if (offset < after || offset % size !== 0 || count < 1 || offset + count * size > stack.bytes.length)
      good = false;
    after = offset + count * size;
  }
  for (const { offset, type } of stack.kernelAuxv) {
    if (offset < 0 || offset % size !== 0 || offset + size > stack.bytes.length || type < 0 || type > 63)
      good = false;
  }
  verdicts.rule('stack-pointers', good, () => `of ${stack.bytes.length} bytes`);
  return good;
}

function checkSysv(judged: Judged, read: ReadStack, end: bigint, verdicts: Verdicts): void {
  const { plan, image, invocation, host } = judged;
  const size = wordSize(plan.arch);
  const words = readSysv(read, size);
  const same = (what: string, holds: boolean) => verdicts.rule('stack-words', holds, () => what);
  same('argc', words.argc === BigInt(invocation.argv.length));
  same('argv', sameStrings(read, words.argv, invocation.argv));
  same('envp', sameStrings(read, words.envp, invocation.envp));
  const types = host.auxvTypes.filter((type) => type < 64 && type !== AT.BASE_PLATFORM);
  const wanted = plan.arch === 'i386' ? [AT.SYSINFO, ...types] : types;
  same('the types of the auxv', words.auxv.map(([type]) => type).join() === wanted.join());
  const value = (type: number) => words.auxv.find(([found]) => found === type)?.[1];
  const holds = (type: number, expected: bigint) => value(type) === undefined || value(type) === expected;
  same('AT_PHNUM', holds(AT.PHNUM, BigInt(image.phdr?.count ?? 0)));
  same('AT_PHENT', holds(AT.PHENT, BigInt(image.phdr?.entrySize ?? 0)));
  const execfn = value(AT.EXECFN);
  same('AT_EXECFN', execfn === undefined || sameStrings(read, [execfn], [invocation.execfn]));
  const { start, size: bytes } = plan.stack.auxv;
  same('the auxv field', end + start + BigInt(bytes) === words.end);
}

function checkAout({ plan, invocation }: Judged, read: ReadStack, verdicts: Verdicts): void {
  const step = BigInt(wordSize(plan.arch));
  const list = (at: bigint) => {
    const pointers: bigint[] = [];
    for (let word = at; read.word(word) !== 0n; word += step) pointers.push(read.word(word));
    return pointers;
  };
  const [argc, argv, envp] = [0n, 1n, 2n].map((index) => read.word(read.sp + index * step));
  const good =
    argc === BigInt(invocation.argv.length) &&
    sameStrings(read, list(argv ?? 0n), invocation.argv) &&
    sameStrings(read, list(envp ?? 0n), invocation.envp);
  verdicts.rule('stack-words', good, () => 'argc, argv or envp');
}

/** It points to the path of the file where the image asks for that and there is a file. */
function checkRdx(
  { plan, image, invocation }: Judged,
  read: ReadStack,
  end: bigint,
  verdicts: Verdicts,
): void {
  const jump = plan.steps.at(-1);
  const rdx = jump?.op === 'jump' ? jump.rdx : undefined;
  const wanted = image.registers === undefined ? undefined : invocation.exe?.path;
  const good =
    wanted === undefined
      ? rdx === undefined
      : rdx?.base === 'stack' && sameStrings(read, [end + rdx.offset], [wanted]);
  verdicts.rule('stack-words', good, () => 'rdx');
}

/** arg_start … env_end hold all strings with their NULs, and nothing else. */
function checkRange(
  read: ReadStack,
  end: bigint,
  range: { readonly start: bigint; readonly end: bigint },
  strings: readonly Uint8Array[],
  what: string,
  verdicts: Verdicts,
): void {
  const wanted = Buffer.concat(strings.flatMap((string) => [string, Buffer.of(0)]));
  const found = range.start < range.end ? read.bytes(end + range.start, Number(range.end - range.start)) : [];
  verdicts.rule('stack-words', wanted.equals(Uint8Array.from(found)), () => `the range of the ${what}`);
}

function sameStrings(read: ReadStack, pointers: readonly bigint[], strings: readonly Uint8Array[]): boolean {
  return (
    pointers.length === strings.length &&
    strings.every((string, index) => {
      const found = read.bytes(pointers[index] ?? 0n, string.length + 1);
      return found.at(-1) === 0 && Buffer.compare(found.subarray(0, -1), string) === 0;
    })
  );
}
