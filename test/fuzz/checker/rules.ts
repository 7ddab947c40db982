/** The rules no plan may break, by name, and how a checker notes a broken one. */
import type { Arch, ProgramImage } from '../../../src/image/image.ts';
import type { Plan } from '../../../src/plan/plan.ts';
import type { Invocation } from '../../../src/plan/planner.ts';
import type { HostFacts } from '../../../src/process/host.ts';

export const RULES = {
  'step-order': 'memory, stack, leave, mm, name, each file closed once, jump, and nothing else',
  'step-count': 'no more steps than the segments can need',
  'known-file': 'steps speak of files that the plan has, and a vault is the first of them',
  'stub-place': 'the stub is page aligned and inside user space',
  'stub-quiet': 'the stub stands where the kernel puts nothing of its own',
  'stub-size': 'the stub fits its reserve',
  'carried-once': 'no byte of a source is in the vault twice',
  'stub-elf': 'the stub is a good ELF file whose segments are what the plan says',
  'stub-protection': 'no segment of the stub is writable and executable',
  'user-space': 'every mapping lies inside user space',
  'low-address': 'nothing is mapped below what this process may map',
  'meets-stub': 'nothing is mapped where the stub stands',
  reservation: 'room is asked for once a base, with a size and an alignment that an address space has',
  vdso: 'the vDSO waits where nothing else is, and makes way for just what the kernel finds room for',
  reserved: 'what is not at an absolute address lies inside what was reserved',
  'whole-pages': 'mappings and protections are of whole pages, and not empty',
  'file-range': 'mappings have an offset that a file can have, and reads stay inside the file',
  'payload-range': 'payloads lie inside their source and inside the vault, apart from each other',
  discard: 'only what was read is given back, and nobody reads it afterwards',
  secrecy: 'confidential bytes lie in no file and no core, in a process that was closed before',
  overlap: 'nothing is mapped over anything without saying so',
  'replaces-own': 'only pages of the plan are replaced',
  writable: 'bytes are written to mapped, writable memory that is there',
  mapped: 'protections change of mapped memory only',
  'write-and-execute': 'no page is writable and executable that the image does not want so',
  'final-protection': 'in the end every page has the protection of the last segment that lies in it',
  contents: 'in the end every segment has its content, and zeros behind it',
  'pie-base': 'a PIE lies where the kernel puts PIEs, aligned, and clear of the kernel’s own areas',
  'entry-executable': 'the entry point lies in an executable page',
  heap: 'the heap lies inside user space, and behind the image if it was moved',
  'mm-order': 'starts come before ends, start_code strictly',
  'mm-range': 'every field is an address PR_SET_MM_MAP takes',
  'stack-size': 'the first stack fits the stack limit',
  'stack-pointer': 'the stack pointer is aligned and the program starts with it',
  'stack-words': 'argc, argv, envp and the auxv say what the invocation says',
  'stack-pointers': 'pointers are whole words of the stack image, in order',
} as const;

export type Rule = keyof typeof RULES;

export interface Broken {
  readonly rule: Rule;
  /** What breaks it. */
  readonly by: string;
}

/** A plan and all it was made from. */
export interface Judged {
  readonly plan: Plan;
  readonly image: ProgramImage;
  readonly invocation: Invocation;
  readonly host: HostFacts;
  /** The whole file behind each descriptor. */
  readonly files: ReadonlyMap<number, Uint8Array>;
  readonly stub: Uint8Array;
}

/** Collects what is broken. */
export class Verdicts {
  readonly broken: Broken[] = [];

  rule(rule: Rule, holds: boolean, by: () => string): void {
    if (!holds) this.broken.push({ rule, by: by() });
  }
}

export const wordSize = (arch: Arch): 4 | 8 => (arch === 'x86_64' ? 8 : 4);
