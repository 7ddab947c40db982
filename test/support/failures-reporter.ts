/** Says at the very end what has failed, a line each, because what vitest itself says of many failures is long. */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export class FailuresReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => [
      ...[module, ...module.children.allSuites()].flatMap((suite) =>
        linesOf(module, nameOf(suite), suite.errors()),
      ),
      ...[...module.children.allTests('failed')].flatMap((test) =>
        linesOf(module, test.fullName, test.result().errors ?? []),
      ),
    ]);
    if (lines.length > 0) process.stdout.write(`\nFailed:\n${lines.join('\n')}\n`);
  }
}

const nameOf = (suite: TestModule | TestSuite): string =>
  suite.type === 'suite' ? suite.fullName : 'the file';

const linesOf = (module: TestModule, name: string, errors: readonly { message: string }[]): string[] =>
  errors.map(
    ({ message }) => `${module.relativeModuleId}: ${name}: ${message.split('\n')[0]?.slice(0, 200)}`,
  );
