/** A shell on a terminal that tmux(1) keeps: keys go in as people type them, and what stands on the screen comes back. */
import { setTimeout } from 'node:timers/promises';
import { type Outcome, run } from './run.ts';

const [COLUMNS, LINES] = [120, 50];
/** Milliseconds between two looks, and how long one may wait altogether. */
const [INTERVAL, PATIENCE] = [25, 15_000];

export interface ShellRun {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export class Pane {
  readonly #socket: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(socket: string, env: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#env = env;
  }

  /** `socket` is a path for tmux's own use. */
  static async open(socket: string, command: readonly string[], { env, cwd }: ShellRun): Promise<Pane> {
    const pane = new Pane(socket, env);
    const size = ['-x', String(COLUMNS), '-y', String(LINES)];
    await pane.#tmux(['new-session', '-d', ...size, '-c', cwd, ...command]);
    return pane;
  }

  /** Text as it is. */
  async type(text: string): Promise<void> {
    if (text !== '') await this.#tmux(['send-keys', '-l', '--', text]);
  }

  /** Keys by tmux's names: `Tab`, `C-u`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  /** The lines on the screen, without blanks at their ends. */
  async screen(): Promise<string[]> {
    const { stdout } = await this.#tmux(['capture-pane', '-p', '-J']);
    return Buffer.from(stdout, 'latin1')
      .toString()
      .split('\n')
      .map((line) => line.trimEnd());
  }

  /** Waits until `look` finds something there. */
  async until<T>(look: (lines: string[]) => T | undefined, what: string): Promise<T> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const lines = await this.screen();
      const found = look(lines);
      if (found !== undefined) return found;
      if (Date.now() > end)
        throw new Error(`there is no ${what} on the screen:\n${lines.join('\n').trimEnd()}`);
      await setTimeout(INTERVAL);
    }
  }

  async close(): Promise<void> {
    await this.#tmux(['kill-server']);
  }

  async #tmux(args: readonly string[]): Promise<Outcome> {
    const outcome = await run('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], { env: this.#env });
    if (outcome.status !== 0) throw new Error(`tmux ${args.join(' ')}: ${outcome.stderr}`);
    return outcome;
  }
}
