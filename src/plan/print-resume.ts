/** A ResumePlan as people read it and as machines do. Pure. Bytes of the process's are told by size only: they may be confidential. */
import { hex } from '../errors.ts';
import type { PlanFile } from './plan.ts';
import { printable, vaultText } from './print.ts';
import type { ResumePlan, ResumeStep, ThreadPlan, Value } from './resume-plan.ts';

/** The whole plan, a step a line. Ends with a newline. */
export function resumePlanText(plan: ResumePlan, ellipsis = '…'): string {
  const head: [string, string][] = [
    ['process', printable(Buffer.from(plan.program), ellipsis)],
    ['arch', plan.arch],
    ['name', printable(plan.comm, ellipsis)],
    ['stub', `at ${hex(plan.stub)}, ${hex(plan.room)} bytes, until all threads go on`],
    ['vdso', plan.vdso === undefined ? 'none' : `at ${hex(plan.vdso)}`],
    ...plan.files.map((file, index): [string, string] => [`file ${index}`, fileText(file, ellipsis)]),
  ];
  const width = String(plan.steps.length).length;
  const lines = head.map(([name, value]) => `${name.padEnd(9)}${value}`);
  lines.push('');
  plan.steps.forEach((step, index) => {
    lines.push(`${String(index + 1).padStart(width)}  ${stepText(step, ellipsis)}`);
    if (step.op === 'threads') lines.push(...threadLines(plan.threads, width, ellipsis));
  });
  lines.push('', ...plan.threads.map(goesOn));
  return `${lines.join('\n')}\n`;
}

function fileText(file: PlanFile, ellipsis: string): string {
  return 'payloads' in file ? vaultText(file) : printable(file.path, ellipsis);
}

function threadLines(threads: readonly ThreadPlan[], width: number, ellipsis: string): string[] {
  return threads
    .slice(1)
    .flatMap(({ tid, steps }) => [
      `${' '.repeat(width)}  thread ${tid}`,
      ...steps.map((step) => `${' '.repeat(width)}    ${stepText(step, ellipsis)}`),
    ]);
}

function goesOn({ tid, frame }: ThreadPlan): string {
  return `thread ${tid} goes on by rt_sigreturn from ${hex(frame.sp)}, with ${frame.bytes.length} bytes at ${hex(frame.at)}`;
}

function stepText(step: ResumeStep, ellipsis: string): string {
  const value = (each: Value) => valueText(each, ellipsis);
  switch (step.op) {
    case 'call':
      return `${step.call}(${step.args.map(value).join(', ')})${callRemarks(step, value)}: ${step.what}`;
    case 'store':
      return `store ${value(step.value)} at ${value(step.to)}, ${step.size} bytes`;
    case 'load':
      return `load ${step.size} bytes from ${value(step.from)}, kept as ${step.keep}`;
    case 'replace':
      return `store ${value(step.value)} at ${value(step.to)} if there is ${hex(step.if)}, ${step.size} bytes`;
    case 'new process':
      return `new process ${step.pid}: ${step.what}`;
    case 'timer':
      return `timer_create(${step.clock}, ${value(step.event)}) until it is number ${step.id}: ${step.what}`;
    case 'threads':
      return 'threads: all others start, and wait when they have done their steps';
  }
}

function callRemarks(step: Extract<ResumeStep, { op: 'call' }>, value: (each: Value) => string): string {
  const { keep, expect, onError, skipOnSuccess = 0, skipOnError = 0 } = step;
  const remarks = [
    ...(keep === undefined ? [] : [`kept as ${keep}`]),
    ...(expect === undefined ? [] : [`must be ${value(expect)}`]),
    ...(onError === 'stop' ? [] : ['may fail']),
    ...(skipOnSuccess > 0 ? [`then without the next ${skipOnSuccess}`] : []),
    ...(skipOnError > 0 ? [`if not, without the next ${skipOnError}`] : []),
  ];
  return remarks.length === 0 ? '' : ` (${remarks.join(', ')})`;
}

/** Paths are strings that end; other bytes are structures. */
function valueText(value: Value, ellipsis: string): string {
  if (typeof value === 'bigint') return numberText(value);
  if ('words' in value) return `{${value.words.map((word) => valueText(word, ellipsis)).join(', ')}}`;
  if ('file' in value) return `file ${value.file}`;
  if ('kept' in value)
    return `${value.kept}${value.plus ? ` ${value.plus < 0n ? '-' : '+'} ${hex(abs(value.plus))}` : ''}`;
  const { bytes, plus = 0 } = value;
  const text = isText(bytes) ? printable(bytes.subarray(0, -1), ellipsis, true) : `${bytes.length} bytes`;
  return plus === 0 ? text : `${text} + ${plus}`;
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** Small ones are counts and numbers of things. */
function numberText(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  return signed > -4096n && signed < 4096n ? String(signed) : hex(value);
}

function isText(bytes: Uint8Array): boolean {
  return (
    bytes.length > 1 &&
    bytes.indexOf(0) === bytes.length - 1 &&
    bytes.every((byte, index) => byte >= 0x20 || index === bytes.length - 1)
  );
}

/** As JSON values: numbers that can be addresses are strings `0x…`, bytes are told by their size. */
export function resumePlanJson(plan: ResumePlan): unknown {
  return {
    kind: plan.kind,
    program: plan.program,
    arch: plan.arch,
    comm: json(plan.comm),
    stub: hex(plan.stub),
    room: hex(plan.room),
    ...(plan.vdso !== undefined && { vdso: hex(plan.vdso) }),
    files: plan.files.map((file) =>
      'payloads' in file
        ? { vault: hex(file.size), confidential: file.confidential }
        : { path: json(file.path), offset: hex(file.offset) },
    ),
    steps: plan.steps.map(json),
    threads: plan.threads.map(({ tid, steps, frame }) => ({
      tid,
      steps: steps.map(json),
      frame: { at: hex(frame.at), size: frame.bytes.length, sp: hex(frame.sp) },
    })),
  };
}

function json(value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array)
    return isText(value) ? { text: Buffer.from(value.subarray(0, -1)).toString() } : { size: value.length };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(json);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, json(inner)]));
}
