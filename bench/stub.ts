/** A stub that is emitted once and started many times: what a start costs when Node has done its part. */
import { closeSync } from 'node:fs';
import { builtinLoaders } from '../loaders/index.ts';
import { emitStub } from '../src/emit/stub.ts';
import { prepareProgram } from '../src/launch/prepare.ts';
import { createStubFile } from '../src/launch/stub-file.ts';

/** The first number after standard streams: from there on the plan's files are in the process that executes the stub. */
const FIRST = 3;

export interface Stub {
  /** What to execute, where `descriptors` are open from 3 on. */
  readonly path: string;
  readonly comm: string;
  readonly descriptors: readonly number[];
  close(): void;
}

/** The program gets these arguments after its path, and this environment. */
export async function stubOf(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Stub> {
  const { plan } = await prepareProgram({
    name: Buffer.from(file),
    args: args.map((arg) => Buffer.from(arg)),
    envp: Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`)),
    loaders: builtinLoaders,
  });
  const files = plan.files.map((each) => {
    if ('fd' in each) return each.fd;
    throw new Error(`${file} is not all in files`);
  });
  const comm = Buffer.from(plan.comm).toString();
  const stub = createStubFile(comm);
  stub.finish(
    emitStub(
      plan,
      files.map((_, index) => FIRST + index),
    ),
  );
  // Found by this process: by its own the child would first have to make the directory /proc/self/fd anew, which the
  // launcher, who executes a descriptor, does not ask of it.
  const path = `/proc/${process.pid}/fd/${stub.fd}`;
  return { path, comm, descriptors: files, close: () => [stub.fd, ...files].forEach(closeSync) };
}

export function closeAll(stubs: readonly Stub[]): void {
  for (const stub of stubs) stub.close();
}
