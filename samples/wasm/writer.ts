/** WebAssembly modules from a description (Core Specification, chapter 5), with code as bytes. */

export const u32 = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(value >>> 7)];
const name = (text: string): number[] => [...u32(Buffer.byteLength(text)), ...Buffer.from(text)];
const vector = (items: readonly (readonly number[])[]): number[] => [...u32(items.length), ...items.flat()];
export const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...u32(content.length),
  ...content,
];

export const I32 = 0x7f;
export const I64 = 0x7e;

/** A function of WASI that is imported: its name and the types of its parameters; the result is an errno or nothing. */
export interface WasiImport {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly result: boolean;
}

export interface WasmDescription {
  readonly module?: string;
  readonly imports?: readonly WasiImport[];
  /** The body of `_start`, without its end. */
  readonly code?: readonly number[];
  /** Bytes at address 0. */
  readonly data?: Uint8Array;
  /** Names and kinds; kind 0 is `_start`'s function, 2 the memory. */
  readonly exports?: Readonly<Record<string, number>>;
}

export const PROC_EXIT: WasiImport = { name: 'proc_exit', parameters: [I32], result: false };
export const FD_WRITE: WasiImport = { name: 'fd_write', parameters: [I32, I32, I32, I32], result: true };

const KINDS = { function: 0, memory: 2 } as const;

export function writeWasm(description: WasmDescription): Buffer {
  const { module = 'wasi_snapshot_preview1', imports = [], code = [], data = Buffer.alloc(0) } = description;
  const { exports = { _start: KINDS.function, memory: KINDS.memory } } = description;
  const types = [
    [0x60, 0, 0],
    ...imports.map(({ parameters, result }) => [
      0x60,
      ...vector(parameters.map((type) => [type])),
      ...vector(result ? [[I32]] : []),
    ]),
  ];
  const body = [0, ...code, 0x0b];
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(
      2,
      vector(imports.map((each, index) => [...name(module), ...name(each.name), 0, ...u32(index + 1)])),
    ),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(
      7,
      vector(
        Object.entries(exports).map(([text, kind]) => [
          ...name(text),
          kind,
          ...u32(kind === KINDS.function ? imports.length : 0),
        ]),
      ),
    ),
    ...section(10, vector([[...u32(body.length), ...body]])),
    ...section(11, vector([[0, 0x41, 0, 0x0b, ...u32(data.length), ...data]])),
  ]);
}

/** `i32.const`, for small numbers that are not negative. */
export const i32 = (value: number): number[] => {
  const bytes = u32(value);
  // The highest bit of a signed LEB128 is its sign.
  const last = bytes.at(-1) ?? 0;
  return [0x41, ...((last & 0x40) === 0 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0])];
};
export const call = (index: number): number[] => [0x10, ...u32(index)];
export const DROP = [0x1a];
export const UNREACHABLE = [0];

/** Where a text lies that a program prints: behind its iovec and the count of what was written. */
const TEXT_AT = 16;

/** Prints `text` to standard output and ends with `status`. */
export function printing(text: string, status: number): WasmDescription {
  const data = Buffer.alloc(TEXT_AT + Buffer.byteLength(text));
  data.writeUInt32LE(TEXT_AT, 0);
  data.writeUInt32LE(Buffer.byteLength(text), 4);
  data.write(text, TEXT_AT);
  return {
    imports: [FD_WRITE, PROC_EXIT],
    data,
    code: [...i32(1), ...i32(0), ...i32(1), ...i32(8), ...call(0), ...DROP, ...i32(status), ...call(1)],
  };
}
