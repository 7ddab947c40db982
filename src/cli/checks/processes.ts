/** What is needed to write a process down, and to go on with it. */
import { spawnSync } from 'node:child_process';
import { SystemError } from '../../native/libc.ts';
import { readNumber } from '../../native/proc.ts';
import { seize } from '../../native/ptrace.ts';
import { type Answer, type Check, no, setSysctl, shellWith, yes } from './machine-check.ts';
import { tryOldPid } from './probe-programs.ts';

export const PROCESSES: Readonly<Record<string, Check>> = {
  ptrace: {
    title: 'tracing',
    neededFor: ['checkpoint', 'duplicate'],
    tries:
      'a process that somebody else has inherited is seized: checkpoints can be made of processes that run in another window',
    ask: ptrace,
  },
  'old-pid': {
    title: 'process IDs',
    neededFor: ['core'],
    tries:
      'clone3 is asked for a number that is in use, which it says to those only who may choose: processes go on with their old number',
    ask: oldPid,
  },
};

const TIMEOUT_MS = 10_000;
/** Yama's modes (Documentation/admin-guide/LSM/Yama.rst): only CAP_SYS_PTRACE, and nobody until the next boot. */
const YAMA = { relatives: 1, privileged: 2, nobody: 3 } as const;

function ptrace(): Answer {
  const scope = readNumber('/proc/sys/kernel/yama/ptrace_scope');
  const yama = scope === undefined ? 'the kernel has no Yama' : `kernel.yama.ptrace_scope is ${scope}`;
  const outcome = traceStranger();
  if (outcome === undefined) return yes(`a process that is not our child could be traced; ${yama}`);
  const found = `tracing a process that is not our child gives ${outcome}; ${yama}`;
  if (scope === YAMA.nobody)
    return no(found, 'no command changes that before the next boot; checkpoints cannot be made');
  if (scope === YAMA.relatives || scope === YAMA.privileged) {
    const advice = 'checkpoints can be made as root; this allows it to users of their own processes';
    return no(found, advice, setSysctl('kernel.yama.ptrace_scope', 0));
  }
  const advice =
    'no command changes that: a seccomp filter must allow ptrace (of a container: --cap-add SYS_PTRACE); checkpoints cannot be made';
  return no(found, advice);
}

/** Traces a process that somebody else has inherited, as all are that run in another window. */
function traceStranger(): string | undefined {
  const { stdout } = spawnSync('/bin/sh', ['-c', 'sleep 60 > /dev/null 2>&1 & echo $!'], {
    encoding: 'latin1',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = Number(stdout);
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error('no process could be started with /bin/sh');
  try {
    seize(pid, 0);
    return undefined;
  } catch (cause) {
    if (cause instanceof SystemError) return cause.errno;
    throw cause;
  } finally {
    process.kill(pid, 'SIGKILL');
  }
}

function oldPid(): Answer {
  const outcome = tryOldPid();
  // The number that was asked for is in use, and who may not choose one does not learn that.
  if (outcome === 'EEXIST') return yes('a new process may choose its number (clone3, set_tid)');
  const lost = 'checkpoints go on with a new process ID';
  const found = `choosing a number for a new process gives ${outcome}`;
  if (outcome === 'ENOSYS' || outcome === 'E2BIG')
    return no(found, `no command changes that: it takes Linux 5.5, or a filter must allow clone3; ${lost}`);
  const fix = shellWith('checkpoint_restore');
  const advice =
    fix === undefined
      ? `${lost}; CAP_CHECKPOINT_RESTORE was taken away, or is of another namespace: a container needs --cap-add CHECKPOINT_RESTORE`
      : `${lost}; CAP_CHECKPOINT_RESTORE allows it, which a shell with it gives to programs`;
  return no(found, advice, fix);
}
