/** The least process that there can be. */
import { MM_FIELD_NAMES } from '../../src/image/mm-field-names.ts';
import {
  type Mapping,
  type ProcessState,
  REGISTER_NAMES,
  type Registers,
} from '../../src/image/process-state.ts';
import { fill, type TestProcess } from './process-state.ts';

const PAGE = 0x1000n;

/** One thread and two pages. */
export function smallProcess(): TestProcess {
  const start = 0x400000n;
  const memory: Mapping = {
    start,
    end: start + 2n * PAGE,
    protection: { read: true, write: true, execute: false },
    shared: false,
    growsDown: false,
    backing: { kind: 'anonymous' },
    flags: [],
  };
  const general = Object.fromEntries(REGISTER_NAMES.map((name) => [name, 0n])) as Registers;
  const fields = MM_FIELD_NAMES.filter((name) => name !== 'auxv').map((name) => [name, start]);
  const state: ProcessState = {
    ids: { pid: 7, ppid: 1, pgid: 7, sid: 7 },
    comm: Buffer.from('small'),
    exe: { path: Buffer.from('/bin/small') },
    root: Buffer.from('/'),
    personality: 0,
    mm: Object.fromEntries(fields) as ProcessState['mm'],
    auxv: new Uint8Array(16),
    mappings: [memory],
    signalActions: [],
    pending: [],
    intervalTimers: [],
    posixTimers: [],
    limits: [],
    attributes: {
      dumpable: 1,
      noNewPrivileges: false,
      childSubreaper: false,
      parentDeathSignal: 0,
      thpDisabled: false,
      nice: 0,
      oomScoreAdjust: 0,
    },
    threads: [
      {
        tid: 7,
        comm: Buffer.from('small'),
        registers: { ...general, rip: start, rsp: start + PAGE, cs: 0x33n, ss: 0x2bn, eflags: 0x202n },
        fpregs: new Uint8Array(512),
        signalMask: 0n,
        pending: [],
        clearChildTid: 0n,
      },
    ],
    openFiles: [],
    locks: [],
    machine: { release: '', cpuFlags: [] },
    lost: [],
  };
  return { state, runs: [{ address: start, size: PAGE }], objects: [], read: fill };
}
