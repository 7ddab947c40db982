/**
 * ELF: what Linux itself runs, here so that it can come from anywhere and be wrapped in anything.
 * System V ABI, gABI chapters 4 and 5; psABI for x86-64 and i386; fs/binfmt_elf.c for what is really done.
 */
import {
  about,
  defineLoader,
  FormatError,
  head,
  type InterpreterImage,
  type LoadContext,
  type ProgramImage,
  type Source,
  Structure,
} from 'run-foreign/loader';
import {
  type CheckedProgramHeader,
  type ElfHeaders,
  isCore,
  isElf,
  isForThisMachine,
  programError,
  readHeaders,
} from './header.ts';
import { imageOf } from './image.ts';
import { interpreterPlacement, segmentsOf } from './segments.ts';

/** Shorter and longer interpreter names are ENOEXEC (PATH_MAX). */
const INTERP_SIZE = { min: 2, max: 4096 };
/** Bytes of an Elf32_Ehdr, the smaller one. */
const MIN_EHSIZE = 52;

export const elf = defineLoader({
  name: 'elf',
  apiVersion: 1,
  kind: 'program',
  description: 'ELF executables and PIEs for x86-64 and i386, static or with an interpreter',
  magics: [{ offset: 0, bytes: Buffer.from('\x7fELF', 'latin1'), name: 'ELF' }],
  async probe(source) {
    const start = await head(source, 20);
    // A core file is no program but what was left of one: loaders/core/.
    if (!isElf(start) || isCore(start)) return null;
    // Of another machine somebody else may know more.
    return isForThisMachine(start) ? 'exact' : 'likely';
  },
  async load(source, context) {
    return { kind: 'image', image: await loadElf(source, context) };
  },
});

async function loadElf(source: Source, context: LoadContext): Promise<ProgramImage> {
  const headers = await readHeaders(source);
  const interp = headers.programs.find(({ type }) => type === 'interp');
  const interpreter = interp && (await loadInterpreter(headers, interp, source, context));
  return { format: 'elf', ...imageOf(headers, source, interpreter) };
}

async function loadInterpreter(
  headers: ElfHeaders,
  program: CheckedProgramHeader,
  source: Source,
  context: LoadContext,
): Promise<InterpreterImage> {
  const { offset, filesz } = program;
  if (filesz < INTERP_SIZE.min || filesz > INTERP_SIZE.max) {
    throw programError(headers, program, 'names an interpreter of impossible length', 'p_filesz', filesz);
  }
  if (offset + filesz > source.size) {
    throw programError(headers, program, 'names an interpreter past the end of the file', 'p_offset', offset);
  }
  const name = Buffer.from(await source.read(offset, filesz));
  if (name.at(-1) !== 0)
    throw programError(headers, program, 'names an interpreter without a final NUL', 'p_offset', offset);
  const file = context.open(name.subarray(0, name.indexOf(0)));
  const start = (await about(file.name, () => Structure.read(file, 0, MIN_EHSIZE, 'ELF header'))).bytes;
  if (!isElf(start))
    throw new FormatError(`has an interpreter, ${file.name}, that is no ELF file`, {
      offset,
      field: 'PT_INTERP',
      value: file.name,
    });
  const own = await about(file.name, () => readHeaders(file, { whole: true }));
  if (own.arch !== headers.arch) {
    throw new FormatError(`has an interpreter for another machine (${own.arch})`, {
      offset,
      field: 'PT_INTERP',
      value: file.name,
    });
  }
  const segments = await about(file.name, () => segmentsOf(own, file));
  const placement = interpreterPlacement(own, headers);
  return { source: file, placement, segments, entry: own.entry };
}
