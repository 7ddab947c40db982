/** Somebody who does what a page says, line by line, in a directory that was empty before. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NODE_PATH, quote, sh } from '../support/run.ts';
import { type Block, matches } from './blocks.ts';

const TIME_LIMIT = 120_000;
/** npm would look for newer versions of itself. */
const QUIET_NPM = { npm_config_update_notifier: 'false', npm_config_offline: 'true' };

export interface Reader {
  /** Throws an Error that names the line where the page is wrong. */
  follow(block: Block): Promise<void>;
}

/** `instead` has what is done in the place of some commands, for those that need a network. */
export function reader(
  home: string,
  instead: Readonly<Record<string, (directory: string) => void>> = {},
): Reader {
  let directory = home;
  const env = { PATH: NODE_PATH, HOME: home, NO_COLOR: '1', ...QUIET_NPM };
  const obey = async (command: string): Promise<{ output: string; status: number | string }> => {
    const other = instead[command];
    if (other !== undefined) {
      other(directory);
      return { output: '', status: 0 };
    }
    // What it prints, then where it leaves the shell.
    const script = `cd ${quote(directory)} && exec 2>&1 && trap 'printf "\\n%s" "$PWD"' EXIT\n${command}`;
    const { stdout, status } = await sh(script, [], { env, cwd: home, timeout: TIME_LIMIT });
    const end = stdout.lastIndexOf('\n');
    directory = stdout.slice(end + 1);
    return { output: Buffer.from(stdout.slice(0, end), 'latin1').toString(), status };
  };
  return {
    async follow(block) {
      if (block.kind === 'command') {
        const { output, status } = await obey(block.command);
        // A page that leaves lines out does not show an error among them.
        const ended = status === 0 || !/^\.\.\.$/m.test(block.output);
        if (!ended || !matches(output, block.output))
          throw new Error(
            `line ${block.line}: $ ${block.command}\nsays\n${output}(status ${status}) and not\n${block.output}`,
          );
        return;
      }
      const path = join(directory, block.path);
      mkdirSync(dirname(path), { recursive: true });
      (block.kind === 'file' ? writeFileSync : appendFileSync)(path, block.text);
    },
  };
}
