/** `run-foreign check`: what this machine allows. Succeeds when programs can be run on it, or when all is well that was asked for. */
import { printable } from '../errors.ts';
import { CHECK_IDS, machineChecks } from './checks/index.ts';
import type { MachineCheck } from './checks/machine-check.ts';
import { didYouMean } from './nearest.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { columns, jsonText, wrap } from './text.ts';
import { usageError } from './usage-error.ts';

const ID_WIDTH = 18;
const AT = 5 + ID_WIDTH;

export async function check({ options, rest }: ParsedArguments): Promise<number> {
  const asked = rest.map((each) => Buffer.from(each).toString());
  for (const id of asked) if (!CHECK_IDS.includes(id)) throw unknownId(id);
  const checks = machineChecks(asked.length === 0 ? CHECK_IDS : [...new Set(asked)]);
  const ok = checks.every((each) => each.ok || (asked.length === 0 && !each.required));
  if (options.json) write(1, jsonText({ ok, checks }));
  else
    write(1, `${[...checks.flatMap(checkLines), ...(asked.length === 0 ? summary(ok) : [])].join('\n')}\n`);
  return ok ? 0 : 1;
}

function unknownId(id: string): Error {
  const all = `there are ${CHECK_IDS.join(', ')}; see run-foreign check --help`;
  const question = didYouMean(id, CHECK_IDS);
  return usageError(`there is no check '${printable(id)}'`, question ? `${question} ${all}` : all);
}

function checkLines({ id, ok, required, found, advice, fix, neededFor }: MachineCheck): string[] {
  const right = (text: string) => wrap(printable(text), 80 - AT).map((line) => ' '.repeat(AT) + line);
  return [
    ...columns(`${ok ? 'yes' : 'no '}  ${id}`, printable(found), 0, AT),
    ...(advice === undefined ? [] : right(advice)),
    ...(ok ? [] : right(`wanted by: ${neededFor.join(', ')}${required ? ' (required)' : ''}`)),
    // One line, however long: it is to be copied.
    ...(fix === undefined ? [] : [`${' '.repeat(AT)}$ ${fix}`]),
  ];
}

function summary(ok: boolean): string[] {
  return ['', ok ? 'Programs can be run here.' : 'Programs cannot be run here as they should be.'];
}
