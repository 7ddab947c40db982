/** `run-foreign check`: what this machine allows. Succeeds when programs can be run on it. */
import { type MachineCheck, machineChecks } from './machine-checks.ts';
import { type ParsedArguments, usageError } from './options.ts';
import { write } from './output.ts';
import { columns, jsonText } from './text.ts';

const TITLE_WIDTH = 20;
const AT = 5 + TITLE_WIDTH;

export async function check({ options, rest }: ParsedArguments): Promise<number> {
  if (rest.length > 0) throw usageError('check takes no arguments', 'see run-foreign check --help');
  const checks = machineChecks();
  const ok = checks.every((each) => each.ok || !each.required);
  write(1, options.json ? jsonText({ ok, checks }) : checksText(checks, ok));
  return ok ? 0 : 1;
}

function checksText(checks: readonly MachineCheck[], ok: boolean): string {
  const lines = checks.flatMap(({ title, ok, found, advice }) => [
    ...columns(`${ok ? 'yes' : 'no '}  ${title}`, found, 0, AT),
    ...(advice === undefined ? [] : columns('', `what to do: ${advice}`, 0, AT)),
  ]);
  const summary = ok ? 'Programs can be run here.' : 'Programs cannot be run here as they should be.';
  return `${[...lines, '', summary].join('\n')}\n`;
}
