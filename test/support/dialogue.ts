/** Commands on a terminal, through script(1), which every Debian system has. */
import { spawn } from 'node:child_process';
import { NODE_PATH, SAMPLES } from './run.ts';

export interface Session {
  readonly status: number | string;
  /** All that the terminal showed. */
  readonly output: string;
}

/**
 * Runs a shell command. Each of `dialogue` waits for a text, behind what was answered before, and types an answer; as a
 * person would, nothing is typed earlier.
 */
export function terminal(
  command: string,
  dialogue: readonly (readonly [awaited: string, typed: string])[],
  timeout = 20_000,
): Promise<Session> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qe', '-c', command, '/dev/null'], {
      cwd: SAMPLES,
      env: { PATH: NODE_PATH, SHELL: '/bin/sh', TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let seen = 0;
    const left = [...dialogue];
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      for (let [next] = left; next !== undefined; [next] = left) {
        const at = output.indexOf(next[0], seen);
        if (at < 0) return;
        seen = at + next[0].length;
        left.shift();
        child.stdin.write(next[1]);
      }
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: status ?? signal ?? 'unknown', output }));
  });
}
