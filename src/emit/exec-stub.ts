/**
 * A program that does nothing but become another one, by execve, with the arguments and the environment that it
 * carries. So whoever executes only files in memory, as the launcher does, can start programs that Linux itself starts.
 */
import { EXIT } from '../errors.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { Blobs } from './blobs.ts';
import { elfHeaders, headersSize } from './elf-file.ts';
import { Emitter } from './emitter.ts';
import { Failures, messageName } from './failure.ts';
import { REG } from './x86.ts';
import { machine } from './x86_64.ts';

/** What is to be executed; no byte of it is zero. */
export interface ExecRequest {
  /** As execve takes it. */
  readonly path: Uint8Array;
  readonly argv: readonly Uint8Array[];
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  /** A descriptor that is to be its standard streams of these numbers, and nothing else. */
  readonly streams?: { readonly from: number; readonly to: readonly number[] } | undefined;
}

const DATA_ADDRESS = 0x10_0000n;
const WORD = 8;

export function emitExecStub({ path, argv, envp, streams }: ExecRequest): Uint8Array {
  const data = { address: DATA_ADDRESS, size: PAGE_SIZE };
  const address = data.address + data.size;
  const blobs = new Blobs(address, headersSize(machine));
  const text = (bytes: Uint8Array) => blobs.add(Buffer.concat([bytes, Buffer.of(0)]));
  const table = (strings: readonly Uint8Array[]) => blobs.add(pointers(strings.map(text)));
  const emitter = new Emitter(machine, 0n, data.address);
  const failures = new Failures(emitter, blobs.add, EXIT.cannotRun);
  emitter.code.moveImmediate(REG.r13, data.address);
  if (streams !== undefined) {
    for (const to of streams.to) emitter.systemCall('dup2', BigInt(streams.from), BigInt(to));
    emitter.systemCall('close', BigInt(streams.from));
  }
  emitter.systemCall('execve', text(path), table(argv), table(envp));
  emitter.code.jump(
    failures.label(`run-foreign: cannot start ${messageName(Buffer.from(path).toString())}: `),
  );
  failures.emit();
  const entry = blobs.add(emitter.code.finish());
  const body = blobs.finish();
  const size = BigInt(headersSize(machine) + body.length);
  return Buffer.concat([elfHeaders({ machine, address, entry, data, execution: 'none', size }), body]);
}

/** As execve takes lists of strings. */
function pointers(addresses: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc((addresses.length + 1) * WORD);
  addresses.forEach((address, index) => {
    bytes.writeBigUInt64LE(address, index * WORD);
  });
  return bytes;
}
