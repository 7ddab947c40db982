/** `run-foreign plan`: what would be done, in every detail, without doing it. */
import type { LoadedProgram } from '../launch/load.ts';
import { prepareStart, type StartPlan } from '../launch/prepare.ts';
import { planPicture } from '../picture/of-plan.ts';
import { resumePicture } from '../picture/of-resume.ts';
import { svgPicture } from '../picture/svg/draw.ts';
import { vaultOf } from '../plan/plan.ts';
import { planJson, planText } from '../plan/print.ts';
import { resumePlanJson, resumePlanText } from '../plan/print-resume.ts';
import { shortUsage, TOPICS } from './help.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { openReport } from './report.ts';
import { programRequest, withSecrets } from './run.ts';
import { isUtf8Locale, jsonText } from './text.ts';

export async function plan({ options, rest }: ParsedArguments, envp: readonly Uint8Array[]): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.plan));
    return 2;
  }
  const report = openReport(options);
  const { plan, image } = await withSecrets(await programRequest(rest, envp, options), prepareStart);
  const shown = options.svg
    ? svg(plan, image)
    : options.json
      ? jsonText(json(plan))
      : text(plan, isUtf8Locale() ? '…' : '...');
  await report.write(shown, vaultOf(plan)?.confidential === true);
  return 0;
}

function svg(plan: StartPlan, image: LoadedProgram['image']): string {
  const facts = [`${image.format}, ${image.variant}, ${image.arch}`];
  if (!('kind' in plan)) return svgPicture(planPicture(plan, facts));
  if (image.process === undefined) throw new Error('a process that goes on, made of a program that begins');
  return svgPicture(resumePicture(plan, image.process, image.segments, facts));
}

const json = (plan: StartPlan): unknown => ('kind' in plan ? resumePlanJson(plan) : planJson(plan));

const text = (plan: StartPlan, ellipsis: string): string =>
  'kind' in plan ? resumePlanText(plan, ellipsis) : planText(plan, ellipsis);
