/** The first stack as a picture: what lies where in it, counted from its end. No string of it is shown. */
import type { Plan } from '../plan/plan.ts';
import { type StackEntry, stackEntries } from '../plan/stack-words.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import { TOP_ZERO_BYTES } from '../process/stack-image.ts';
import type { Block, Mark, Region } from './model.ts';
import { sizeText } from './size-text.ts';
import { topmost } from './topmost.ts';

interface Part {
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
}

/** `marks` count from the stack's end, too; `step` is the number of the step that fills it. */
export function stackBlock(plan: Plan, marks: readonly Mark[], step: number): Block {
  const { stack, execution, arch } = plan;
  const { taskSize, stackRange } = ADDRESS_SPACES[arch];
  const protection = { read: true, write: true, execute: execution !== 'none' };
  const parts = partsOf(plan);
  const regions = topmost(parts).map(({ start, end, layer }): Region => {
    const { name } = parts[layer] as Part;
    return { start, end, name, protection, ...(start >= stack.sp && { steps: [step] }) };
  });
  return {
    base: 'stack',
    somewhere: `The kernel puts its end at most ${sizeText(stackRange)} below 0x${taskSize.toString(16)}`,
    regions,
    marks,
  };
}

/** Later ones lie over earlier ones. A loader may bring a stack of its own, in which nothing need be where Linux has it. */
function partsOf({ stack, arch }: Plan): Part[] {
  const { sp, extent, arg, env, auxv } = stack;
  const entries = stackEntries(stack, arch);
  const count = (pattern: RegExp) => entries.filter(({ name }) => pattern.test(name)).length;
  const auxvEnd = auxv.start + BigInt(auxv.size);
  const known = [
    { start: extent < sp ? extent : sp, end: sp, name: 'free, grows downwards' },
    { start: sp, end: 0n, name: 'other strings, and room' },
    { start: sp, end: auxv.start, name: wordsText(entries, count(/^argv\[/), count(/^envp\[/)) },
    {
      start: auxv.start,
      end: auxvEnd,
      name: `auxv, ${plural(count(/^AT_/), 'entry', 'entries')}`,
    },
    { ...arg, name: plural(count(/^argv\[/), 'argument string') },
    { ...env, name: plural(count(/^envp\[/), 'environment string') },
    { start: env.end, end: -TOP_ZERO_BYTES, name: 'file name' },
    { start: -TOP_ZERO_BYTES, end: 0n, name: 'zeros' },
  ];
  return known.filter(({ start, end }, index) => start < end && end <= 0n && (index === 0 || start >= sp));
}

function wordsText(entries: readonly StackEntry[], args: number, variables: number): string {
  const named = entries[0]?.name === 'argc' && args + variables > 0;
  return named ? `argc, argv[${args}], envp[${variables}]` : 'words';
}

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
