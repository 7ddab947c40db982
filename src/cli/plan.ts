/** `run-foreign plan`: what would be done, in every detail, without doing it. */
import { prepareStart, type StartPlan } from '../launch/prepare.ts';
import { planJson, planText } from '../plan/print.ts';
import { resumePlanJson, resumePlanText } from '../plan/print-resume.ts';
import { shortUsage, TOPICS } from './help.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { programRequest, withSecrets } from './run.ts';
import { isUtf8Locale, jsonText } from './text.ts';

export async function plan({ options, rest }: ParsedArguments, envp: readonly Uint8Array[]): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.plan));
    return 2;
  }
  const { plan } = await withSecrets(await programRequest(rest, envp, options), prepareStart);
  write(1, options.json ? jsonText(json(plan)) : text(plan, isUtf8Locale() ? '…' : '...'));
  return 0;
}

const json = (plan: StartPlan): unknown => ('kind' in plan ? resumePlanJson(plan) : planJson(plan));

const text = (plan: StartPlan, ellipsis: string): string =>
  'kind' in plan ? resumePlanText(plan, ellipsis) : planText(plan, ellipsis);
