/** Stubs that serve any number of starts, for tests: made of a program, and executed by what child_process executes. */
import { closeSync, statSync } from 'node:fs';
import { builtinLoaders } from '../../loaders/index.ts';
import { emitStub } from '../../src/emit/stub.ts';
import { loadProgram } from '../../src/launch/load.ts';
import { createStubFile } from '../../src/launch/stub-file.ts';
import { hostFacts } from '../../src/native/host-facts.ts';
import { planReusable } from '../../src/plan/reusable.ts';

export interface ReusableStub {
  /** What to execute, with the program's own argv and environment. */
  readonly file: string;
  /** To be open from 3 on. */
  readonly descriptors: readonly number[];
  close(): void;
}

/** `cached` stubs find the program by argv[0]; the others are told, and are known as `name`. */
export async function reusableStub(
  path: string,
  kind: 'here' | 'cached',
  name = path,
): Promise<ReusableStub> {
  const { image, exe } = await loadProgram({
    name: Buffer.from(path),
    args: [],
    envp: [],
    loaders: builtinLoaders,
  });
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const how =
    kind === 'cached' ? { cached: { dev, ino, size, mtimeNs, ctimeNs } } : { execfn: Buffer.from(name) };
  const plan = planReusable(image, { program: path, exe, portable: false, ...how }, hostFacts());
  if (plan === undefined) throw new Error(`${path} needs a plan for each start`);
  const stub = createStubFile('reusable');
  stub.finish(
    emitStub(
      plan,
      plan.files.map((_, index) => (kind === 'cached' ? 'opened' : 3 + index)),
    ),
  );
  const open = plan.files.map((file) => ('fd' in file ? file.fd : -1));
  return {
    file: `/proc/self/fd/${stub.fd}`,
    descriptors: kind === 'cached' ? [] : open,
    close: () => {
      open.forEach((fd) => {
        closeSync(fd);
      });
      stub.close();
    },
  };
}
