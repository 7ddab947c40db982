/** Taking away what is unfinished when this process is ended from outside. */
import { constants as os } from 'node:os';
import { prctl } from '../native/libc.ts';

/** include/uapi/linux/prctl.h */
const PR_SET_PDEATHSIG = 1;
const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * On signals that end this process `remove` is called first. When the launcher dies Node is killed with SIGKILL, which
 * would leave no time for that, so it is to be told by SIGTERM. Returns what undoes this.
 */
export function whenKilled(remove: () => void): () => void {
  const die = (signal: NodeJS.Signals) => {
    remove();
    forget();
    process.kill(process.pid, signal);
  };
  const forget = () => {
    for (const signal of FATAL_SIGNALS) process.off(signal, die);
  };
  for (const signal of FATAL_SIGNALS) process.on(signal, die);
  prctl(PR_SET_PDEATHSIG, os.signals.SIGTERM);
  return forget;
}
