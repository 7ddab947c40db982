/** A handmade program with its plan and stub: what the checker is tested with. */
import type { HostFacts } from '../../../src/process/host.ts';
import { memorySource } from '../../../src/source/memory.ts';
import type { Handmade } from '../../support/handmade.ts';
import { fakeHost } from '../../support/host.ts';
import { planOf, stubOf } from '../../support/plans.ts';
import { PROGRAM_FD, resolveSource } from '../../support/resolve.ts';
import { fileLike, text } from '../../support/sources.ts';
import type { Judged } from './rules.ts';

/** How the program's bytes can be had: `secret` ones are in no file and confidential. */
export type From = 'file' | 'memory' | 'secret';

export async function judge(
  { name, bytes, files }: Handmade,
  from: From = 'file',
  host: HostFacts = fakeHost(),
): Promise<Judged> {
  const source =
    from === 'file' ? fileLike(bytes, PROGRAM_FD, name) : memorySource(bytes, name, from === 'secret');
  const { image } = await resolveSource(source, files);
  const invocation = {
    program: name,
    argv: ['argv0', 'an argument'].map(text),
    envp: ['NAME=value', 'OTHER='].map(text),
    execfn: text(`/handmade/${name}`),
    exe: source.file,
  };
  const plan = planOf(image, invocation, host);
  const open = [bytes, ...Object.values(files)].map((each, index) => [PROGRAM_FD + index, each] as const);
  return { plan, image, invocation, host, files: new Map(open), stub: stubOf(plan) };
}
