/**
 * ProgramImage → a plan that serves any number of starts, or that can be kept in a file. Pure, as planner.ts, whose pieces
 * these are; what planner.ts takes from one invocation the stub takes from the process it finds itself in.
 */
import type { ImagePart, ProgramImage } from '../image/image.ts';
import { validateImage } from '../image/validate.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import { adoptedStack } from '../process/adopted-stack.ts';
import { baseChoice, heapChoice, type RandomChoice } from '../process/choices.ts';
import type { HostFacts } from '../process/host.ts';
import { layOut } from '../process/layout.ts';
import { mmFieldCalls } from '../process/mm-calls.ts';
import { mmFields } from '../process/mm-fields.ts';
import type { Place } from '../process/place.ts';
import type { FileIdentity } from '../source/identity.ts';
import type { BackingFile } from '../source/source.ts';
import { Materials } from './materials.ts';
import { checkMemory } from './memory.ts';
import type { ReusablePlan, Step } from './plan.ts';
import { interpreterStep, partSteps, shortName, vdsoSteps } from './planner.ts';

export interface ReusableWish {
  /** For messages: the program as the user named it. */
  readonly program: string;
  /** AT_EXECFN, and its last part is the short name; as the stub was executed unless given. */
  readonly execfn?: Uint8Array | undefined;
  /** The file /proc/PID/exe is to name; the stub's own unless given. */
  readonly exe?: BackingFile | undefined;
  /**
   * Whether the stub is for any machine: it brings all bytes of the program along, and loads an interpreter by its path.
   * Else it is for this machine, as long as the files of the plan are what they are.
   */
  readonly portable: boolean;
  /**
   * Whether the stub finds the program by its first argument, as long as that is this file: then its name comes from
   * there, too, and an interpreter is loaded by its path.
   */
  readonly cached?: FileIdentity;
}

/**
 * Undefined where each start needs a plan of its own: the loader makes the first stack, the interpreter is not one that
 * the stub can load, or, of cached ones, the program is more than its file. Throws what planProgram does, but for what depends on arguments.
 */
export function planReusable(
  image: ProgramImage,
  wish: ReusableWish,
  host: HostFacts,
): ReusablePlan | undefined {
  validateImage(image, ADDRESS_SPACES[image.arch].taskSize);
  const { cached } = wish;
  const alone = wish.portable || cached !== undefined;
  const byPath = alone ? interpreterStep(image) : undefined;
  const planned = byPath === undefined ? image.interpreter : undefined;
  if (planned !== undefined && (alone || planned.placement.kind !== 'mmap')) return undefined;
  const layout = layOut(image, host, 'stub');
  const stack = adoptedStack(image, layout, cached === undefined ? wish.execfn : 'argv[0]');
  if (stack === undefined) return undefined;
  const parts: ImagePart[] = planned === undefined ? [image] : [image, planned];
  const materials = new Materials(
    parts.flatMap(({ segments }) => segments),
    wish.portable,
  );
  const steps = [
    ...partSteps(image, 'image', layout, materials),
    ...(byPath === undefined ? [] : [byPath]),
    ...(planned === undefined ? [] : partSteps(planned, 'interp', layout, materials)),
  ];
  const choose = (choice: RandomChoice): Step => ({ op: 'choose', ...choice });
  const memory: Step[] = [
    ...(cached === undefined ? [] : [{ op: 'open', file: 0, identity: cached } as const]),
    ...baseChoice(image, layout, host).map(choose),
    ...vdsoSteps('aside', steps, layout, host),
    ...steps,
    ...vdsoSteps('back', steps, layout, host),
    ...heapChoice(image, layout, host).map(choose),
  ];
  checkMemory(memory, host);
  const exe = wish.exe === undefined ? undefined : materials.file(wish.exe);
  if (cached !== undefined && (materials.vault !== undefined || materials.files.length !== 1))
    return undefined;
  const fields = mmFields(image, layout, stack, host);
  const byField = mmFieldCalls(fields, layout.space.taskSize, exe !== undefined);
  return {
    arch: image.arch,
    program: wish.program,
    comm: shortName(wish.execfn ?? new Uint8Array(0)),
    stub: layout.stub,
    execution: image.stack.execution,
    files: materials.files,
    stack,
    steps: [
      ...memory,
      { op: 'stack' },
      { op: 'leave' },
      { op: 'mm', fields, byField, ...(exe !== undefined && { exe }), report: false },
      ...nameStep(wish),
      ...materials.files.map((_, file): Step => ({ op: 'close', file })),
      {
        op: 'jump',
        entry: entryPlace(),
        sp: { base: 'sp', offset: 0n },
        ...(image.registers !== undefined && exe !== undefined && { rdx: EXECFN }),
      },
    ],
  };

  function entryPlace(): Place | 'interpreter entry' {
    if (byPath !== undefined) return 'interpreter entry';
    return planned === undefined ? layout.image(image.entry) : layout.interp(planned.entry);
  }
}

/** The file's name lies right behind the environment. */
const EXECFN: Place = { base: 'env_end', offset: 0n };

function nameStep({ cached, execfn }: ReusableWish): Step[] {
  if (cached !== undefined) return [{ op: 'name', from: 'argv[0]' }];
  return execfn === undefined ? [] : [{ op: 'name' }];
}
