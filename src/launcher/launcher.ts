/**
 * The command itself: a static ELF program without a C library, emitted when the package is built. Its process
 * becomes the program, and it does nothing that a program could notice: Node, which changes signal handling,
 * descriptors, limits and more of the process it runs in, runs in a child (protocol.ts says how they talk).
 *
 * x86-64 only, like the Node it starts. Between the fork and the last execve it has the stack the kernel gave it.
 */
import { Blobs } from '../emit/blobs.ts';
import { elfHeaders, headersSize } from '../emit/elf-file.ts';
import { Emitter } from '../emit/emitter.ts';
import { Failures } from '../emit/failure.ts';
import { REG } from '../emit/x86.ts';
import { machine } from '../emit/x86_64.ts';
import { EXIT } from '../errors.ts';
import { alignUp, PAGE_SIZE } from '../process/address-space.ts';
import { emitBinfmtArguments } from './binfmt-arguments.ts';
import { emitChild } from './child.ts';
import { DATA_ADDRESS, DATA_SIZE } from './data.ts';
import { emitKeptStart } from './kept-start.ts';
import { emitParent } from './parent.ts';

export interface LauncherKind {
  readonly forBinfmt?: boolean;
  readonly nodeOptions?: readonly string[];
}

/**
 * The launcher's file; it expects Node's half of the command beside it, under its own name and `.cjs`. `buildId` is what that
 * has as BUILD_ID. The one that is `forBinfmt` takes the arguments that binfmt_misc makes, and has BINFMT_SUFFIX behind its name.
 * `nodeOptions` are for the build, which starts Node in ways that users do not.
 */
export function emitLauncher(
  buildId: string,
  { forBinfmt = false, nodeOptions = [] }: LauncherKind = {},
): Uint8Array {
  const data = { address: DATA_ADDRESS, size: alignUp(DATA_SIZE, PAGE_SIZE) };
  const fileAddress = data.address + data.size;
  const blobs = new Blobs(fileAddress, headersSize(machine));
  const emitter = new Emitter(machine, 0n, data.address);
  const failures = new Failures(emitter, blobs.add, EXIT.ours);
  const refusals = new Failures(emitter, blobs.add, EXIT.cannotRun);
  const text = (string: string) => blobs.add(Buffer.from(`${string}\0`));
  const context = { forBinfmt, emitter, failures, refusals, store: blobs.add, text, nodeOptions };

  const child = emitter.code.label();
  emitter.code.moveImmediate(REG.r13, data.address);
  emitter.code.move(REG.bp, REG.sp);
  const needsNode = emitter.code.label();
  if (forBinfmt) emitBinfmtArguments(context, needsNode);
  emitKeptStart(context, buildId);
  emitter.code.place(needsNode);
  emitParent(context, child);
  emitter.code.place(child);
  emitChild(context);
  failures.emit();
  refusals.emit();

  const entry = blobs.add(emitter.code.finish());
  const body = blobs.finish();
  const size = BigInt(headersSize(machine) + body.length);
  const headers = elfHeaders({ machine, address: fileAddress, entry, data, execution: 'none', size });
  return Buffer.concat([headers, body]);
}
