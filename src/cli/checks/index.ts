/** What the machine is asked by `run-foreign check`. Each question is really tried out, and only those that are asked. */
import { inInitialUserNamespace } from '../../native/proc.ts';
import { IDENTITY } from './identity.ts';
import { INTERPRETERS } from './interpreters.ts';
import { type Check, type MachineCheck, no } from './machine-check.ts';
import { PROCESSES } from './processes.ts';
import { PROGRAMS } from './programs.ts';
import { SURROUNDINGS } from './surroundings.ts';

export const CHECKS: Readonly<Record<string, Check>> = {
  ...IDENTITY,
  ...PROGRAMS,
  ...PROCESSES,
  ...INTERPRETERS,
  ...SURROUNDINGS,
};

export const CHECK_IDS: readonly string[] = Object.keys(CHECKS);

/** The checks with these ids, which are known. */
export function machineChecks(ids: readonly string[]): MachineCheck[] {
  return ids.map((id) => {
    const check = CHECKS[id];
    if (check === undefined) throw new Error(`there is no check ${id}`);
    const { title, neededFor } = check;
    return { id, title, required: false, neededFor, ...answerOf(check) };
  });
}

/** The superuser of a namespace may not change what is the whole machine's. */
const ELSEWHERE = 'the command is to be given outside of this user namespace';

function answerOf({ ask }: Check) {
  try {
    const answer = ask();
    const elsewhere = answer.fix?.includes('sudo ') === true && !inInitialUserNamespace();
    return elsewhere ? { ...answer, advice: `${answer.advice}; ${ELSEWHERE}` } : answer;
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    return no(`could not be tried: ${reason}`, 'see what check koffi says: most is tried with its help');
  }
}
