/** `run-foreign inspect`: what a loader found in a file. Nothing is laid out and nothing is run. */
import { isatty } from 'node:tty';
import { ForeignError, hex } from '../errors.ts';
import type { ImagePart, Placement, ProgramImage, Segment } from '../image/image.ts';
import { permissions } from '../image/permissions.ts';
import { validateImage } from '../image/validate.ts';
import { authenticate, type LoadedProgram, loadProgram } from '../launch/load.ts';
import { terminalColumns } from '../native/libc.ts';
import type { Block } from '../picture/model.ts';
import { imagePicture, partBlock, programBlock } from '../picture/of-image.ts';
import { svgPicture } from '../picture/svg/draw.ts';
import { type TerminalStyle, terminalPicture } from '../picture/terminal.ts';
import { isConfidential } from '../plan/materials.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import { shortUsage, TOPICS } from './help.ts';
import { type Fact, processFacts, processJson, processLines } from './inspect-process.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { openReport, type Report } from './report.ts';
import { programRequest, withSecrets } from './run.ts';
import { columnsFor, isUtf8Locale, jsonText, wantsColor, wrap } from './text.ts';
import { usageError } from './usage-error.ts';

export async function inspect(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.inspect));
    return 2;
  }
  if (rest.length > 1) throw usageError('inspect takes one PROGRAM', 'see run-foreign inspect --help');
  const report = openReport(options);
  const request = await programRequest(rest, envp, options);
  const loaded = await withSecrets(request, loadProgram);
  await authenticate(loaded, request.trace);
  const refused = refusal(loaded.image);
  const text = () => imageText(loaded, refused, styleFor(report));
  const shown = options.svg
    ? svg(loaded, refused)
    : options.json
      ? jsonText(imageJson(loaded, refused))
      : text();
  await report.write(shown, isConfidential(loaded.image));
  return 0;
}

function svg({ image, source }: LoadedProgram, refused: string | undefined): string {
  return svgPicture(imagePicture(image, source.name, refused === undefined ? [] : [`refused: ${refused}`]));
}

const styleFor = ({ toStandardOutput }: Report): TerminalStyle => ({
  unicode: isUtf8Locale(),
  color: toStandardOutput && wantsColor(1),
  width: columnsFor(toStandardOutput && isatty(1) ? terminalColumns(1) : undefined),
});

/** What the planner would say against the image. */
function refusal(image: ProgramImage): string | undefined {
  try {
    validateImage(image, ADDRESS_SPACES[image.arch].taskSize);
    return undefined;
  } catch (error) {
    if (error instanceof ForeignError) return error.message;
    throw error;
  }
}

function imageText(
  { image, source, namedBy }: LoadedProgram,
  refused: string | undefined,
  style: TerminalStyle,
): string {
  const { interpreter, process } = image;
  const facts: Fact[] = [
    ['file', clean(source.name)],
    ...namedBy.map((name): Fact => ['named by', clean(name)]),
    ['format', `${image.format}, ${image.variant}`],
    ['arch', image.arch],
    ...(process === undefined ? programFacts(image) : processFacts(process, image.segments)),
    ...(refused === undefined ? [] : [['refused', refused] as const]),
  ];
  const lines = facts.flatMap(([name, value]) =>
    wrap(clean(value), 80 - 13).map((line, index) => `${(index === 0 ? name : '').padEnd(13)}${line}`),
  );
  if (process === undefined) lines.push('', ...partLines(image, 'segments', programBlock(image), style));
  else lines.push('', ...processLines(process, image).map(clean));
  if (interpreter !== undefined)
    lines.push('', ...partLines(interpreter, 'segments of the interpreter', partBlock(interpreter), style));
  return `${lines.join('\n')}\n`;
}

function programFacts(image: ProgramImage): Fact[] {
  const { interpreter, brk, stack, phdr } = image;
  const layout = typeof stack.layout === 'string' ? stack.layout : 'of its own';
  const range = ({ start, end }: { start: bigint; end: bigint }) => `${hex(start)} to ${hex(end)}`;
  return [
    ['placement', placementText(image)],
    ['entry', hex(image.entry)],
    ...(interpreter === undefined
      ? []
      : [['interpreter', `${clean(interpreter.source.name)}, entry ${hex(interpreter.entry)}`] as const]),
    ['code', range(image.code)],
    ['data', range(image.data)],
    ['brk', `${range(brk)}${brk.randomize ? ', may move' : ''}`],
    ['stack', `${layout}, executable: ${stack.execution}`],
    ...(phdr === undefined
      ? []
      : [['phdr', `${hex(phdr.address)}, ${phdr.count} of ${phdr.entrySize} bytes`] as const]),
  ];
}

function partLines(part: ImagePart, title: string, block: Block, style: TerminalStyle): string[] {
  return [
    `${title}:`,
    `  ${'address'.padEnd(18)} ${'size'.padEnd(11)} ${'offset'.padEnd(11)} ${'in file'.padEnd(11)} rwx name`,
    ...part.segments.map(segmentLine),
    '',
    ...terminalPicture(block, style),
  ];
}

function segmentLine({ address, size, content, protection, name }: Segment): string {
  const [offset, filled] = content === undefined ? ['-', '-'] : [hex(content.offset), hex(content.size)];
  const where = `  ${hex(address).padEnd(18)} ${hex(size).padEnd(11)} ${offset.padEnd(11)} ${filled.padEnd(11)}`;
  return `${where} ${permissions(protection)} ${clean(name)}`;
}

function placementText({ placement }: ImagePart): string {
  if (placement.kind === 'fixed') return 'fixed, at the addresses below';
  const where =
    placement.kind === 'pie' ? 'where position-independent programs go' : 'where the kernel likes';
  return `${where}, aligned to ${hex(placement.align)}`;
}

const clean = (text: string): string => text.replace(/\p{Cc}/gu, '?');

/** Numbers that can be addresses are strings `0x…`. */
function imageJson({ image, source, namedBy }: LoadedProgram, refused: string | undefined) {
  const range = ({ start, end }: { start: bigint; end: bigint }) => ({ start: hex(start), end: hex(end) });
  const { interpreter, stack, phdr, brk } = image;
  return {
    file: source.name,
    namedBy,
    format: image.format,
    variant: image.variant,
    arch: image.arch,
    ...partJson(image),
    interpreter:
      interpreter === undefined ? null : { path: interpreter.source.name, ...partJson(interpreter) },
    code: range(image.code),
    data: range(image.data),
    brk: { ...range(brk), randomize: brk.randomize },
    stack: {
      layout: typeof stack.layout === 'string' ? stack.layout : 'custom',
      execution: stack.execution,
    },
    phdr: phdr === undefined ? null : { ...phdr, address: hex(phdr.address) },
    ...(image.process && { process: processJson(image.process, image) }),
    refused: refused ?? null,
  };
}

function placementJson(placement: Placement) {
  if (placement.kind === 'fixed') return { kind: placement.kind };
  const { kind, align, anchor } = placement;
  return { kind, align: hex(align), ...(anchor !== undefined && { anchor: hex(anchor) }) };
}

function partJson({ placement, entry, segments }: ImagePart) {
  return {
    placement: placementJson(placement),
    entry: hex(entry),
    segments: segments.map(({ name, address, size, content, protection }) => ({
      name,
      address: hex(address),
      size: hex(size),
      file: content === undefined ? null : { offset: hex(content.offset), size: hex(content.size) },
      protection: permissions(protection),
    })),
  };
}
