/** What a question to the machine is answered with, and how commands that change it are written. */
import { inInitialUserNamespace } from '../../native/proc.ts';

export interface MachineCheck {
  /** Stable, for machines. */
  readonly id: string;
  readonly title: string;
  readonly ok: boolean;
  /** Whether programs cannot be run as they should be without it. */
  readonly required: boolean;
  /** What was found, as half a sentence. */
  readonly found: string;
  /** Commands and formats of ours that want it. */
  readonly neededFor: readonly string[];
  /** What a no means, and what to do about it. */
  readonly advice?: string;
  /** The shell command that makes a yes of it, where there is one. */
  readonly fix?: string;
}

/** What is known before the machine is asked. */
export interface CheckHead extends Pick<MachineCheck, 'title' | 'neededFor'> {
  /** For docs/check.md: what is tried, and so what a yes means, as a sentence without a full stop. */
  readonly tries: string;
}

/** What the machine has answered. */
export type Answer = Pick<MachineCheck, 'ok' | 'found' | 'advice' | 'fix'> & { readonly required?: boolean };

export interface Check extends CheckHead {
  /** Tries it out. What it throws means that it could not be tried. */
  readonly ask: () => Answer;
}

export const yes = (found: string): Answer => ({ ok: true, found });

/** `fix` is undefined where no command would help. */
export const no = (found: string, advice: string, fix?: string): Answer => ({
  ok: false,
  found,
  advice,
  ...(fix !== undefined && { fix }),
});

/** A command of the superuser's, as this user gives it. In a user namespace the superuser is none. */
export function asRoot(command: string): string {
  return process.geteuid?.() === 0 && inInitialUserNamespace() ? command : `sudo ${command}`;
}

export const setSysctl = (name: string, value: number): string => asRoot(`sysctl -w ${name}=${value}`);

/**
 * A shell of this user in which programs have a capability, as setpriv(1) calls it. Undefined for the superuser: who lacks it
 * then has been denied it, and cannot give it back.
 */
export function shellWith(capability: string): string | undefined {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (process.geteuid?.() === 0) return undefined;
  return (
    `sudo setpriv --reuid=${uid} --regid=${gid} --init-groups ` +
    `--inh-caps=+${capability} --ambient-caps=+${capability} "$SHELL"`
  );
}
