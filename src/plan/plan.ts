/**
 * A Plan is every step that turns the stub's process into the program, with its addresses: pure data
 * that can be printed, compared and emitted as machine code. It holds no descriptors: `files` says
 * which file is meant, and launch/ opens them.
 */
import type { Arch, StackExecution } from '../image/image.ts';
import type { ProtectionText } from '../image/permissions.ts';
import type { AdoptedStack } from '../process/adopted-stack.ts';
import type { RandomChoice } from '../process/choices.ts';
import type { VdsoPiece } from '../process/host.ts';
import type { MmFieldCalls } from '../process/mm-calls.ts';
import type { MmFields } from '../process/mm-fields.ts';
import type { Place } from '../process/place.ts';
import type { StackImage } from '../process/stack-image.ts';
import type { FileIdentity } from '../source/identity.ts';
import type { BackingFile, Source } from '../source/source.ts';

/** Every step that turns a process into a program, with its addresses. */
export interface Plan {
  readonly arch: Arch;
  /** For messages: the program as the user named it. */
  readonly program: string;
  /** The kernel's short name for the process, at most 15 bytes. */
  readonly comm: Uint8Array;
  /** Where the stub stands until it has handed over. */
  readonly stub: bigint;
  readonly execution: StackExecution;
  /** Files that the steps map or read, by index. */
  readonly files: readonly PlanFile[];
  readonly stack: StackImage;
  readonly steps: readonly Step[];
}

/**
 * A plan that serves any number of starts: the stub is executed with the program's own arguments and environment, adopts
 * the first stack that the kernel makes of them, and makes the random choices itself.
 */
export interface ReusablePlan extends Omit<Plan, 'stack'> {
  readonly stack: AdoptedStack;
}

export type AnyPlan = Plan | ReusablePlan;

/** A file that somebody has open, or the vault: at most one, and the first. */
export type PlanFile = BackingFile | Vault;

/**
 * A file in memory that launch/ makes and fills: bytes that are in no file of their own, or must not be mapped from
 * it. What of it is confidential the steps move on into anonymous memory.
 */
export interface Vault {
  readonly payloads: readonly Payload[];
  /** Bytes, whole pages. */
  readonly size: number;
  /** Whether nobody else may look into it, nor into the process. */
  readonly confidential: boolean;
}

export interface Payload {
  readonly source: Source;
  readonly offset: number;
  readonly size: number;
  /** Where in the vault, bytes. */
  readonly at: number;
}

/** The plan's vault, if it has one. */
export function vaultOf({ files }: Pick<Plan, 'files'>): Vault | undefined {
  return files.find((file) => 'payloads' in file);
}

/** Steps that prepare memory name what they are for; a failing one stops the start and is reported. */
export type Step =
  /**
   * The vDSO makes way for what the kernel finds room for, and takes its place after it. `aside` is where it waits
   * meanwhile, `pieces` are its mappings.
   */
  | {
      readonly op: 'vdso';
      readonly go: 'aside' | 'back';
      readonly aside: bigint;
      readonly pieces: readonly VdsoPiece[];
    }
  /**
   * Lets the kernel find room for a part, by asking for the file's pages where there is a file; later places of
   * `base` count from it. `align` rounds the room found down. Segments in disorder may lie below `start`, as under
   * execve, where nothing is yet.
   */
  | {
      readonly op: 'reserve';
      readonly base: 'image' | 'interp';
      readonly start: bigint;
      readonly size: bigint;
      readonly align: bigint;
      readonly file?: { readonly index: number; readonly offset: bigint };
      readonly what: string;
    }
  /**
   * Loads the ELF interpreter that lies at `path` when the stub runs, as execve does (load_elf_interp in
   * fs/binfmt_elf.c): nothing of its layout need be known before. It sets the base `interp` and the interpreter's entry.
   */
  | { readonly op: 'interpreter'; readonly path: Uint8Array; readonly what: string }
  /** Opens a file of the plan by the first argument; it must still be the one that the plan was made of. */
  | { readonly op: 'open'; readonly file: number; readonly identity: FileIdentity }
  /** Makes one of the choices that need randomness; not random where the kernel has not randomised the stack either. */
  | ({ readonly op: 'choose' } & RandomChoice)
  /** mmap, private and at a fixed place; `replace` only over pages this plan itself has mapped. */
  | {
      readonly op: 'mmap';
      readonly at: Place;
      readonly size: bigint;
      readonly protection: ProtectionText;
      readonly file?: { readonly index: number; readonly offset: bigint };
      readonly replace: boolean;
      readonly what: string;
    }
  /** Reads from a file whose bytes do not lie so that they could be mapped. */
  | {
      readonly op: 'read';
      readonly at: Place;
      readonly size: bigint;
      readonly file: number;
      readonly offset: bigint;
      readonly what: string;
    }
  /** Gives memory of the vault back, when its bytes have been read. */
  | { readonly op: 'discard'; readonly file: number; readonly offset: bigint; readonly size: bigint }
  /** Closes the process to everybody but the superuser: no core file, no ptrace. */
  | { readonly op: 'seclude' }
  /** Keeps memory out of core files and, where that is allowed, out of swap. */
  | { readonly op: 'hide'; readonly at: Place; readonly size: bigint; readonly what: string }
  | { readonly op: 'zero'; readonly at: Place; readonly size: bigint; readonly what: string }
  | {
      readonly op: 'mprotect';
      readonly at: Place;
      readonly size: bigint;
      readonly protection: ProtectionText;
      readonly what: string;
    }
  /** Puts `plan.stack` at the end of the stack area and adds the bases to its pointers; or adopts the one that is there. */
  | { readonly op: 'stack' }
  /** The stub unmaps its own file and goes on in anonymous memory. */
  | { readonly op: 'leave' }
  /**
   * prctl(PR_SET_MM, PR_SET_MM_MAP), with the file /proc/PID/exe is to name; where the kernel refuses the map,
   * the calls `byField`. No refusal stops the program; with `report` the stub says on standard error what
   * could not be set.
   */
  | {
      readonly op: 'mm';
      readonly fields: MmFields;
      readonly byField: MmFieldCalls;
      readonly exe?: number;
      readonly report: boolean;
    }
  /** The short name: the plan's, or the last part of the first argument. */
  | { readonly op: 'name'; readonly from?: 'argv[0]' }
  /** Makes a file standard input. */
  | { readonly op: 'stdin'; readonly file: number }
  | { readonly op: 'close'; readonly file: number }
  /** Closes a descriptor of the caller's that the program does not get. */
  | { readonly op: 'drop'; readonly descriptor: number }
  /** Makes one of the caller's descriptors a standard stream: a debugger has taken that for itself. */
  | { readonly op: 'stream'; readonly descriptor: number; readonly to: number }
  /** The jump leads to a stop (SIGTRAP) before the program's first instruction: somebody debugs it. */
  | { readonly op: 'stop' }
  /** All registers are zero but the stack pointer and, if it is there, rdx. */
  | {
      readonly op: 'jump';
      /** The entry of the interpreter is known only to the step that loads it. */
      readonly entry: Place | 'interpreter entry';
      readonly sp: Place;
      readonly rdx?: Place;
    };
