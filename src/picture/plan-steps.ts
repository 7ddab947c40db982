/** The steps of a plan in a few lines, with their numbers. */
import type { Step } from '../plan/plan.ts';
import { placeText } from '../process/place.ts';
import type { StepLine } from './model.ts';

/** Steps of one topic that follow each other are one line. */
export function planSteps(steps: readonly Step[]): StepLine[] {
  const runs: { topic: string; from: number; to: number }[] = [];
  steps.forEach((step, index) => {
    const [topic, last] = [topicOf(step), runs.at(-1)];
    if (last?.topic === topic) last.to = index + 1;
    else runs.push({ topic, from: index + 1, to: index + 1 });
  });
  return runs.map(({ topic, from, to }) => ({
    numbers: from === to ? `${from}` : `${from}-${to}`,
    text: topic,
  }));
}

function topicOf(step: Step): string {
  switch (step.op) {
    case 'vdso':
      return step.go === 'aside' ? 'the vDSO steps aside' : 'the vDSO goes where there is room';
    case 'reserve':
      return `room is found for the ${step.base === 'image' ? 'program' : 'interpreter'}`;
    case 'interpreter':
      return 'the interpreter is loaded';
    case 'open':
      return 'the program is opened';
    case 'choose':
      return 'random places are chosen';
    case 'mmap':
    case 'read':
    case 'zero':
    case 'mprotect':
      return step.at.base === 'interp' ? 'the interpreter is mapped' : 'the program is mapped';
    case 'discard':
    case 'hide':
      return 'the program is mapped';
    case 'seclude':
      return 'nobody else may look in';
    case 'stack':
      return 'the first stack is written';
    case 'leave':
      return 'the stub leaves its file';
    case 'mm':
      return 'the kernel is told what the process is';
    case 'name':
      return 'the process gets its name';
    case 'stdin':
    case 'stream':
    case 'close':
    case 'drop':
      return 'descriptors are closed';
    case 'stop':
      return 'the debugger is told';
    case 'jump':
      return typeof step.entry === 'string' ? 'jump to the interpreter' : `jump to ${placeText(step.entry)}`;
  }
}
