/** Whether a process is of a kind that can be checkpointed at all. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readText, statFields, statusField } from '../native/proc.ts';
import type { Findings } from './findings.ts';
import { gone, refusal } from './frozen-threads.ts';

const PF_KTHREAD = 0x0020_0000n;
/** Of include/linux/proc_ns.h, those in which a process sees other things than we do. */
const NAMESPACES = ['mnt', 'pid', 'net', 'ipc', 'user', 'uts', 'cgroup', 'time'];

/** Throws PROCESS_NOT_FOUND or PROCESS_REFUSED. */
export function refuseTarget(pid: number): void {
  const status = `/proc/${pid}/status`;
  const state = statusField('State', status);
  if (state === undefined) throw gone(pid);
  if (pid === process.pid) throw refusal(pid, 'is run-foreign itself');
  if (Number(statusField('Tgid', status)) !== pid) {
    throw refusal(pid, `is a thread of process ${statusField('Tgid', status)}`, 'name the process');
  }
  if (state.startsWith('Z')) throw refusal(pid, 'has ended, and waits for its parent to take note');
  if ((statFields(`/proc/${pid}/stat`)(9) & PF_KTHREAD) !== 0n)
    throw refusal(pid, 'is a thread of the kernel');
}

/** What about the process as a whole a checkpoint cannot hold. */
export function findOutside(pid: number, findings: Findings): void {
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    for (const child of (readText(`/proc/${pid}/task/${tid}/children`) ?? '').split(' ').filter(Boolean)) {
      const what = readText(`/proc/${child}/comm`)?.trim() ?? '';
      findings.add({ object: `process ${child}`, what, why: 'is its child', skip: 'children' });
    }
  }
  for (const name of NAMESPACES) {
    const [theirs, ours] = [`/proc/${pid}/ns/${name}`, `/proc/self/ns/${name}`].map(namespace);
    if (theirs === undefined || theirs === ours) continue;
    const why = 'is not the one that run-foreign is in';
    findings.add({ object: `the ${name} namespace`, what: theirs, why, skip: 'namespaces' });
  }
  if (Number(statusField('Seccomp', `/proc/${pid}/status`) ?? 0) !== 0) {
    const why = 'could not be set again, and the copy would be without it';
    findings.add({ object: 'the seccomp filter', what: 'seccomp(2)', why, skip: 'seccomp' });
  }
}

function namespace(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Whether it runs 64-bit code; by the class of its auxv, whose first entries are small numbers. */
export function is64Bit(pid: number): boolean {
  const auxv = readFileSync(`/proc/${pid}/auxv`);
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (auxv.readUInt32LE(at + 4) !== 0) return false;
    if (auxv.readUInt32LE(at) === 0) break;
  }
  return auxv.length >= 16;
}
