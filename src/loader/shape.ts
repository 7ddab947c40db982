/**
 * What a loader returns, looked at as if nothing were known of it: loaders may be written in JavaScript, and a number
 * where an address belongs shows itself much later and elsewhere. All of it is copied, so that nothing of it changes
 * after it was checked. Whether an image can be run is not asked here (src/image/validate.ts).
 */

import { ERROR_CODES, exitStatus } from '../errors.ts';
import type {
  FirstStack,
  FirstStackLayout,
  ImagePart,
  IndexRange,
  InterpreterImage,
  Placement,
  ProgramImage,
  Protection,
  Range,
  ResumedProcess,
  Segment,
  StackString,
  StackWord,
} from '../image/image.ts';
import type { Source } from '../source/source.ts';
import type { IdentityName, Loaded, NamedProgram, Verdict } from './contract.ts';
import { readProcessState } from './shape-state.ts';
import { Nonsense, type Value } from './value.ts';

/** Makes a Source of what a loader says is one. */
export type ReadSource = (value: Value) => Source;

export function readVerdict(value: Value): Verdict {
  return value.oneOf([null, 'likely', 'exact']);
}

/** `format` is what an image must say that it is. Throws Nonsense. */
export function readLoaded(value: Value, format: string, readSource: ReadSource): Loaded {
  const kind = value.at('kind').oneOf(['image', 'unwrap', 'program', 'interpreter']);
  if (kind === 'image') return { kind, image: readImage(value.at('image'), format, readSource) };
  if (kind === 'unwrap') return { kind, source: readSource(value.at('source')) };
  if (kind === 'program') return { kind, ...readNamedProgram(value) };
  return { kind, path: value.at('path').cString(), args: value.at('args').list((arg) => arg.cString()) };
}

/** An error that says that it is one of ours: another copy of this package may have made it, or anybody. Throws Nonsense. */
export function checkError(value: Value): void {
  const code = value.at('code').oneOf(ERROR_CODES);
  value.at('exitCode').oneOf([exitStatus(code)]);
  value.at('message').text();
  value.at('subject').maybe((each) => each.text());
  value.at('hint').maybe((each) => each.text());
  value.at('location').maybe((location) => {
    location.at('offset').number();
    location.at('field').text();
  });
}

function readNamedProgram(value: Value): NamedProgram {
  return {
    name: value.at('name').cString(),
    sha256: value.at('sha256').maybe((each) => each.text()),
    verifyKey: value.at('verifyKey').maybe((each) => each.text()),
    format: value.at('format').maybe((each) => each.text()),
    argv0: value.at('argv0').maybe((each) => each.cString()),
    args: value.at('args').list((each) => each.cString()),
    env: value.at('env').list((each) => each.cString()),
    identities: value.at('identities').list(readIdentity),
  };
}

function readIdentity(value: Value): IdentityName {
  const kind = value.at('kind').oneOf(['file', 'credential']);
  return kind === 'file'
    ? { kind, path: value.at('path').cString() }
    : { kind, name: value.at('name').text() };
}

function readImage(value: Value, format: string, readSource: ReadSource): ProgramImage {
  const said = value.at('format');
  if (said.text() !== format) throw new Nonsense(said, `is not the loader's name, '${format}'`);
  const stack = value.at('stack');
  const layout = stack.at('layout');
  const brk = value.at('brk');
  const interpreter = value.at('interpreter').maybe((each) => readInterpreter(each, readSource));
  const phdr = value.at('phdr').maybe((each) => ({
    address: each.at('address').bigint(),
    entrySize: each.at('entrySize').count(),
    count: each.at('count').count(),
  }));
  const registers = value.at('registers').maybe((each) => ({ rdx: each.at('rdx').oneOf(['exe path']) }));
  const resumed = value.at('process').maybe((each) => readProcess(each, readSource));
  return {
    ...readPart(value, readSource),
    format,
    variant: value.at('variant').text(),
    arch: value.at('arch').oneOf(['x86_64', 'i386']),
    ...(interpreter && { interpreter }),
    code: readRange(value.at('code')),
    data: readRange(value.at('data')),
    brk: { ...readRange(brk), randomize: brk.at('randomize').boolean() },
    stack: {
      layout: layout.isFunction() ? layout.asFunction<FirstStackLayout>() : layout.oneOf(['sysv', 'aout']),
      execution: stack.at('execution').oneOf(['none', 'stack', 'everything-readable']),
    },
    ...(phdr && { phdr }),
    ...(registers && { registers }),
    ...(resumed && { process: resumed }),
  };
}

function readProcess(value: Value, readSource: ReadSource): ResumedProcess {
  return {
    state: readProcessState(value.at('state')),
    objects: value.at('objects').list((object) =>
      object.list((extent) => ({
        at: extent.at('at').bigint(),
        content: readContent(extent.at('content'), readSource),
      })),
    ),
  };
}

function readContent(value: Value, readSource: ReadSource): NonNullable<Segment['content']> {
  return {
    source: readSource(value.at('source')),
    offset: value.at('offset').number(),
    size: value.at('size').number(),
  };
}

function readInterpreter(value: Value, readSource: ReadSource): InterpreterImage {
  return { ...readPart(value, readSource), source: readSource(value.at('source')) };
}

function readPart(value: Value, readSource: ReadSource): ImagePart {
  return {
    placement: readPlacement(value.at('placement')),
    segments: value.at('segments').list((each) => readSegment(each, readSource)),
    entry: value.at('entry').bigint(),
  };
}

function readPlacement(value: Value): Placement {
  const kind = value.at('kind').oneOf(['fixed', 'pie', 'mmap']);
  if (kind === 'fixed') return { kind };
  const anchor = value.at('anchor').maybe((each) => each.bigint());
  return { kind, align: value.at('align').bigint(), ...(anchor !== undefined && { anchor }) };
}

function readSegment(value: Value, readSource: ReadSource): Segment {
  const content = value.at('content').maybe((each) => readContent(each, readSource));
  return {
    name: value.at('name').text(),
    address: value.at('address').bigint(),
    size: value.at('size').bigint(),
    ...(content && { content }),
    protection: readProtection(value.at('protection')),
  };
}

function readProtection(value: Value): Protection {
  return {
    read: value.at('read').boolean(),
    write: value.at('write').boolean(),
    execute: value.at('execute').boolean(),
  };
}

function readRange(value: Value): Range {
  return { start: value.at('start').bigint(), end: value.at('end').bigint() };
}

/** Bytes that a first stack may leave free; the kernel's own leave less than 8 KiB. */
const MAX_GAP = 2 ** 20;
const MAX_ALIGN = 4096;

/** What a loader's own FirstStackLayout returned. Throws Nonsense. */
export function readFirstStack(value: Value): FirstStack {
  const strings = value.at('strings').list(readString);
  const wordList = value.at('words');
  const wordCount = wordList.length();
  const words = wordList.list((each) => readWord(each, strings.length, wordCount));
  const gap = value.at('gap');
  if (gap.count() > MAX_GAP) throw new Nonsense(gap, `is more than ${MAX_GAP}`);
  const align = value.at('align');
  const alignment = align.count();
  if (alignment < 1 || alignment > MAX_ALIGN || (alignment & (alignment - 1)) !== 0)
    throw new Nonsense(align, `is no power of two up to ${MAX_ALIGN}`);
  return {
    words,
    strings,
    args: readIndices(value.at('args'), strings.length),
    env: readIndices(value.at('env'), strings.length),
    auxv: readIndices(value.at('auxv'), words.length),
    gap: gap.count(),
    align: alignment,
  };
}

function readString(value: Value): StackString {
  return { bytes: value.at('bytes').bytes(), place: value.at('place').oneOf(['top', 'words']) };
}

function readWord(value: Value, strings: number, words: number): StackWord {
  if (value.isBigint()) return value.bigint();
  const string = value.at('string').maybe((each) => each.below(strings));
  if (string !== undefined) return { string };
  const word = value.at('word').maybe((each) => each.below(words));
  if (word !== undefined) return { word };
  const kernelAuxv = value.at('kernelAuxv').maybe((each) => each.count());
  if (kernelAuxv !== undefined) return { kernelAuxv };
  const image = value.at('image').maybe((each) => each.bigint());
  if (image !== undefined) return { image };
  return { interp: value.at('interp').bigint() };
}

function readIndices(value: Value, count: number): IndexRange {
  const range = { from: value.at('from').count(), to: value.at('to').count() };
  if (range.from > range.to || range.to > count) throw new Nonsense(value, `is no range of ${count}`);
  return range;
}
