/** Plans to look at. */
import { planLoaded } from '../launch/prepare.ts';
import { hostFacts } from '../native/host-facts.ts';
import type { Plan } from '../plan/plan.ts';
import { planText } from '../plan/print.ts';
import { acquire, type ForeignProgram } from './acquire.ts';
import { argumentBytes, cString, environmentBytes } from './invocation.ts';
import type { LoadOptions } from './options.ts';

/** A plan, and the files it is made of. */
export interface ForeignPlan extends Plan, Disposable {
  /** The plan for people, as `run-foreign plan` prints it. */
  readonly text: string;
  /** Closes the files. May be called more than once. */
  close(): void;
}

/**
 * Makes the plan by which a program would be started here and now, and starts nothing: every step that turns a process into the
 * program, with its addresses.
 *
 * Rejects with a ForeignError. Close the plan when it is no longer needed.
 *
 * ```js plans.mjs
 * import { planProgram } from 'run-foreign';
 *
 * const plan = await planProgram('cat', ['file']);
 * console.log(plan.steps.map(({ op }) => op).at(-1), plan.text.split('\n')[0]);
 * plan.close();
 * ```
 *
 * ```console
 * $ node plans.mjs
 * jump program  cat
 * ```
 */
export async function planProgram(
  program: ForeignProgram,
  args: readonly string[] = [],
  options: LoadOptions = {},
): Promise<ForeignPlan> {
  const argv = argumentBytes(args);
  const held = await acquire(program, args, options);
  try {
    const argv0 = options.argv0 === undefined ? undefined : cString(options.argv0, 'options.argv0');
    const loaded = { ...held.loaded, argv: held.argv(argv0, argv) };
    const request = { name: held.name, envp: environmentBytes(options), trace: options.trace };
    const plan = await planLoaded(loaded, request, hostFacts());
    let open = true;
    const close = () => {
      if (open) held.release();
      open = false;
    };
    return { ...plan, text: planText(plan), close, [Symbol.dispose]: close };
  } catch (cause) {
    held.release();
    throw cause;
  }
}
