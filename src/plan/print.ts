/**
 * A plan as people read it and as machines do. Pure. Payloads are told by place and size only: their
 * bytes may be confidential.
 */
import { hex } from '../errors.ts';
import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import type { MmFieldCall } from '../process/mm-calls.ts';
import { type Place, placeText } from '../process/place.ts';
import type { Plan, Step, Vault } from './plan.ts';
import { type StackEntry, stackEntries } from './stack-words.ts';

/** Strings are cut here, so that a line of the stack fits 110 columns. */
const MAX_STRING = 56;
/** Columns for the calls of the mm step. */
const MM_CALLS_WIDTH = 90;
const EXECUTION = {
  none: 'not executable',
  stack: 'the stack is executable',
  'everything-readable': 'everything readable is executable',
};

/** The whole plan, a step a line, what belongs to a step indented below it. Ends with a newline. */
export function planText(plan: Plan, ellipsis = '…'): string {
  const head: [string, string][] = [
    ['program', printable(Buffer.from(plan.program), ellipsis)],
    ['arch', plan.arch],
    ['stub', `at ${hex(plan.stub)}, until it jumps`],
    ['stack', `${plan.stack.bytes.length} bytes, ${EXECUTION[plan.execution]}`],
    ...plan.files.map((file, index): [string, string] => [
      `file ${index}`,
      'payloads' in file ? vaultText(file) : printable(file.path, ellipsis),
    ]),
  ];
  const lines = head.map(([name, value]) => `${name.padEnd(9)}${value}`);
  const width = String(plan.steps.length).length;
  plan.steps.forEach((step, index) => {
    const [line = '', ...below] = stepLines(step, plan, ellipsis);
    lines.push('', `${String(index + 1).padStart(width)}  ${line}`);
    // Steps of one line stand close together.
    if (below.length === 0 && index > 0 && isShort(plan.steps[index - 1])) lines.splice(-2, 1);
    lines.push(...below.map((each) => `${' '.repeat(width + 2)}  ${each}`));
  });
  return `${lines.join('\n')}\n`;
}

const isShort = (step: Step | undefined): boolean =>
  step !== undefined && step.op !== 'stack' && step.op !== 'mm';

function stepLines(step: Step, plan: Plan, ellipsis: string): string[] {
  const at = (place: Place, size: bigint) => `${placeText(place).padEnd(16)} ${hex(size).padEnd(9)}`;
  const op = step.op.padEnd(8);
  switch (step.op) {
    case 'vdso':
      return [
        step.go === 'aside'
          ? `${op} waits at ${hex(step.aside)}`
          : `${op} goes where the kernel finds room for it`,
      ];
    case 'reserve':
      return [`${op} ${step.base}: ${hex(step.size)} bytes, aligned to ${hex(step.align)}: ${step.what}`];
    case 'interpreter':
      return [`${op} ${printable(step.path, ellipsis)}, as it is then: ${step.what}`];
    case 'open':
      return [`${op} file ${step.file} by argv[0]`];
    case 'choose':
      return [`${op} ${step.base}: one of ${step.pages} pages from ${placeText(step.from)}`];
    case 'mmap': {
      const from =
        step.file === undefined ? 'anonymous' : `file ${step.file.index} at ${hex(step.file.offset)}`;
      const over = step.replace ? ', over pages of its own' : '';
      return [`${op} ${at(step.at, step.size)} ${step.protection}  ${from}: ${step.what}${over}`];
    }
    case 'read':
      return [`${op} ${at(step.at, step.size)}      file ${step.file} at ${hex(step.offset)}: ${step.what}`];
    case 'discard':
      return [`${op} file ${step.file} at ${hex(step.offset)}, ${hex(step.size)} bytes`];
    case 'seclude':
      return [`${op} nobody but the superuser may look into the process`];
    case 'hide':
      return [`${op} ${at(step.at, step.size)}      ${step.what}`];
    case 'zero':
      return [`${op} ${at(step.at, step.size)}      ${step.what}`];
    case 'mprotect':
      return [`${op} ${at(step.at, step.size)} ${step.protection}  ${step.what}`];
    case 'stack':
      return [`${op} the first stack, from ${placeText({ base: 'stack', offset: plan.stack.sp })}`].concat(
        stackEntries(plan.stack, plan.arch).map((entry) => entryLine(entry, ellipsis)),
      );
    case 'leave':
      return [`${op} the stub unmaps its own file and goes on in anonymous memory`];
    case 'mm':
      return mmLines(step, op);
    case 'name':
      return [`${op} ${step.from === undefined ? printable(plan.comm, ellipsis) : step.from}`];
    case 'stdin':
      return [`${op} file ${step.file}`];
    case 'close':
      return [`${op} file ${step.file}`];
    case 'drop':
      return [`${op} descriptor ${step.descriptor}`];
    case 'stream':
      return [`${op} ${step.to} is descriptor ${step.descriptor}`];
    case 'stop':
      return [`${op} with SIGTRAP, behind the jump: the debugger has it at its first instruction`];
    case 'jump':
      return [
        `${op} ${entryText(step.entry)}, stack pointer ${placeText(step.sp)}${step.rdx ? `, rdx ${placeText(step.rdx)}` : ''}`,
      ];
  }
}

function entryText(entry: Extract<Step, { op: 'jump' }>['entry']): string {
  return typeof entry === 'string' ? entry : placeText(entry);
}

/** Payloads are told by size only: their bytes may be confidential. */
export function vaultText({ size, confidential }: Vault): string {
  return `in memory, ${hex(size)} bytes${confidential ? ', confidential' : ''}`;
}

function mmLines(step: Extract<Step, { op: 'mm' }>, op: string): string[] {
  const { fields, auxvSize } = step.fields;
  const { lowest, highest, sequence } = step.byField;
  const call = ({ field, to }: MmFieldCall) => (to === 'wanted' ? field : `${field}=${to}`);
  return [
    `${op} prctl(PR_SET_MM, PR_SET_MM_MAP)`,
    ...MM_FIELD_NAMES.map((name) => `${name.padEnd(12)} ${placeText(fields[name])}`),
    `${'auxv_size'.padEnd(12)} ${auxvSize}`,
    `${'exe_fd'.padEnd(12)} ${step.exe === undefined ? 'none' : `file ${step.exe}`}`,
    `if refused, by field, with lowest ${hex(lowest)} and highest ${hex(highest)}:`,
    ...wrapped(sequence.map(call), MM_CALLS_WIDTH).map((line) => `  ${line}`),
  ];
}

/** Words in lines of at most `width` characters. */
function wrapped(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function entryLine({ at, name, value, string }: StackEntry, ellipsis: string): string {
  const text = string === undefined ? '' : printable(string, ellipsis, true);
  return `${placeText(at).padEnd(13)} ${name.padEnd(17)} ${valueText(name, value).padEnd(13)} ${text}`.trimEnd();
}

function valueText(name: string, value: Place | 'kernel'): string {
  if (value === 'kernel') return 'what the kernel gives the stub';
  if (name === 'AT_RANDOM') return `${placeText(value)}  16 random bytes`;
  return name === 'argc' ? String(value.offset) : placeText(value);
}

/** Bytes as one line of text, quoted if asked; what cannot be printed is escaped. */
export function printable(bytes: Uint8Array, ellipsis: string, quoted = false): string {
  const escaped = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  const utf8 = isUtf8(bytes);
  const raw = Buffer.from(bytes).toString(utf8 ? 'utf8' : 'latin1');
  const cut = raw.length > MAX_STRING;
  const shown = (cut ? raw.slice(0, MAX_STRING - ellipsis.length) : raw).replace(
    utf8 ? /[\p{Cc}]/gu : /[^ -~]/g,
    escaped,
  );
  return `${quoted ? `"${shown}"` : shown}${cut ? ellipsis : ''}`;
}

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(Buffer.from(bytes).toString()).equals(bytes);
}

/**
 * The plan as JSON values. Numbers that can be addresses are strings `0x…`; a place is
 * `{ base, offset }`, where base is absolute, stack, image or interp and the offset may be negative;
 * bytes are `{ text }` where they are UTF-8 and `{ base64 }` where they are not.
 */
export function planJson(plan: Plan): unknown {
  const { stack } = plan;
  return {
    program: plan.program,
    arch: plan.arch,
    comm: jsonBytes(plan.comm),
    stub: hex(plan.stub),
    execution: plan.execution,
    files: plan.files.map((file) =>
      'payloads' in file
        ? {
            vault: file.payloads.map(({ at, offset, size }) => ({
              at: hex(at),
              offset: hex(offset),
              size: hex(size),
            })),
            confidential: file.confidential,
          }
        : { path: jsonBytes(file.path), offset: hex(file.offset) },
    ),
    stack: {
      sp: hex(stack.sp),
      size: hex(stack.bytes.length),
      words: stackEntries(stack, plan.arch).map(({ at, name, value, string }) => ({
        at: jsonPlace(at),
        name,
        value: value === 'kernel' ? value : jsonPlace(value),
        ...(string && { string: jsonBytes(string) }),
      })),
    },
    steps: plan.steps.map(jsonValue),
  };
}

const jsonPlace = ({ base, offset }: Place) => ({ base, offset: hex(offset) });

function jsonBytes(bytes: Uint8Array): { text: string } | { base64: string } {
  const buffer = Buffer.from(bytes);
  return isUtf8(bytes) ? { text: buffer.toString() } : { base64: buffer.toString('base64') };
}

/** A step as it is, its bigints as strings and its bytes as text. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array) return jsonBytes(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(jsonValue);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, jsonValue(inner)]));
}
