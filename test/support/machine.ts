/** What the machine the tests run on allows, asked of Linux directly and not of the code under test. */
import { readFileSync } from 'node:fs';

const CAP_SYS_RAWIO = 17n;

/** Whether this process may map pages at `address`: security/commoncap.c, cap_mmap_addr. */
export function mayMapAt(address: number): boolean {
  const minimum = Number(readFileSync('/proc/sys/vm/mmap_min_addr', 'utf8'));
  return address >= minimum || (hasCapability(CAP_SYS_RAWIO) && inFirstUserNamespace());
}

function hasCapability(number: bigint): boolean {
  const mask = /^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> number) & 1n) === 1n;
}

/** Capabilities of another user namespace count for nothing where the whole machine is concerned. */
function inFirstUserNamespace(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
}

/** Whether /proc/PID/exe may be set: CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in the own user namespace. */
export function maySetExe(): boolean {
  return hasCapability(21n) || hasCapability(40n);
}
