/** From checked headers to an image, as load_elf_binary in fs/binfmt_elf.c makes a process of them. */
import {
  FormatError,
  type InterpreterImage,
  type ProgramImage,
  type Source,
  type StackExecution,
} from 'run-foreign/loader';
import type { ElfHeaders } from './header.ts';
import { codeAndData, loadHeaders, placementOf, segmentsOf } from './segments.ts';

/** All of the image but the name of its format. `source` is where p_offset counts from. */
export function imageOf(
  headers: ElfHeaders,
  source: Source,
  interpreter?: InterpreterImage,
): Omit<ProgramImage, 'format'> {
  const segments = segmentsOf(headers, source);
  // With an interpreter that is no error: Linux maps nothing of the program and enters the interpreter.
  if (segments.length === 0 && interpreter === undefined) {
    throw new FormatError('has no PT_LOAD segment with any memory', {
      offset: headers.phoff,
      field: 'p_type',
      value: 'no PT_LOAD',
    });
  }
  const { code, data, brk } = codeAndData(headers);
  const phdr = phdrAddress(headers);
  return {
    variant: variantOf(headers, interpreter !== undefined),
    arch: headers.arch,
    placement: segments.length === 0 ? { kind: 'fixed' } : placementOf(headers, interpreter !== undefined),
    segments,
    entry: headers.entry,
    ...(interpreter && { interpreter }),
    code,
    data,
    brk: { start: brk, end: brk, randomize: true },
    stack: { layout: 'sysv', execution: stackExecution(headers) },
    phdr: { address: phdr, entrySize: headers.phentsize, count: headers.programs.length },
  };
}

/** The address of the program headers in memory: in the last segment that holds them in the file. */
function phdrAddress(headers: ElfHeaders): bigint {
  const { phoff } = headers;
  const holder = loadHeaders(headers).findLast(
    ({ offset, filesz }) => offset <= phoff && phoff < offset + filesz,
  );
  return holder === undefined ? 0n : BigInt(phoff - holder.offset) + BigInt(holder.vaddr);
}

/** The table in arch/x86/include/asm/elf.h, "elf_read_implies_exec". */
function stackExecution(headers: ElfHeaders): StackExecution {
  const wish = headers.programs.findLast(({ type }) => type === 'gnu_stack');
  if (wish !== undefined) return wish.flags.x ? 'stack' : 'none';
  return headers.arch === 'i386' ? 'everything-readable' : 'none';
}

function variantOf(headers: ElfHeaders, hasInterpreter: boolean): string {
  const linking = hasInterpreter ? 'dynamic' : 'static';
  return headers.dynamic ? `${linking} PIE` : linking;
}
