/** The notes of a checkpoint: first those that every debugger knows, then our own. */
import { type ProcessState, registerBytes, type ThreadState } from 'run-foreign/loader';
import { NT, note, OWNER, PAGE_SIZE, PRPSINFO, PRSTATUS } from './elf-core.ts';
import { NOTES, NOTES_VERSION } from './state-schema.ts';

const SIGINFO_SIZE = 128;

/** `args` is the command line as the process has it in memory. */
export function stateNotes(state: ProcessState, args: Uint8Array): Buffer {
  const [first, ...others] = state.threads;
  if (first === undefined) throw new Error('a process without threads');
  return Buffer.concat([
    prstatus(first, state),
    note('CORE', NT.PRPSINFO, prpsinfo(state, args)),
    note('CORE', NT.SIGINFO, new Uint8Array(SIGINFO_SIZE)),
    note('CORE', NT.AUXV, state.auxv),
    note('CORE', NT.FILE, fileTable(state)),
    floatingPoint(first),
    ...others.flatMap((thread) => [prstatus(thread, state), floatingPoint(thread)]),
    ...Object.values(NOTES).map(({ type, schema }) => {
      const json = (schema.toJson as (value: ProcessState) => object)(state);
      return note(OWNER, type, Buffer.from(JSON.stringify({ version: NOTES_VERSION, ...json })));
    }),
  ]);
}

function prstatus(thread: ThreadState, { ids }: ProcessState): Buffer {
  const bytes = Buffer.alloc(PRSTATUS.size);
  bytes.writeBigUInt64LE(thread.signalMask, PRSTATUS.pr_sighold);
  bytes.writeInt32LE(thread.tid, PRSTATUS.pr_pid);
  bytes.writeInt32LE(ids.ppid, PRSTATUS.pr_ppid);
  bytes.writeInt32LE(ids.pgid, PRSTATUS.pr_pgrp);
  bytes.writeInt32LE(ids.sid, PRSTATUS.pr_sid);
  bytes.set(registerBytes(thread.registers), PRSTATUS.pr_reg);
  bytes.writeInt32LE(1, PRSTATUS.pr_fpvalid);
  return note('CORE', NT.PRSTATUS, bytes);
}

function floatingPoint({ fpregs, xstate }: ThreadState): Buffer {
  return Buffer.concat([
    note('CORE', NT.FPREGSET, fpregs),
    ...(xstate === undefined ? [] : [note('LINUX', NT.X86_XSTATE, xstate)]),
  ]);
}

function prpsinfo({ ids, comm, credentials, attributes }: ProcessState, args: Uint8Array): Buffer {
  const bytes = Buffer.alloc(PRPSINFO.size);
  bytes.write('S', PRPSINFO.pr_sname, 'latin1');
  bytes.writeInt8(attributes.nice, PRPSINFO.pr_nice);
  bytes.writeUInt32LE(credentials?.uids[0] ?? 0, PRPSINFO.pr_uid);
  bytes.writeUInt32LE(credentials?.gids[0] ?? 0, PRPSINFO.pr_gid);
  bytes.writeInt32LE(ids.pid, PRPSINFO.pr_pid);
  bytes.writeInt32LE(ids.ppid, PRPSINFO.pr_ppid);
  bytes.writeInt32LE(ids.pgid, PRPSINFO.pr_pgrp);
  bytes.writeInt32LE(ids.sid, PRPSINFO.pr_sid);
  bytes.set(comm.subarray(0, PRPSINFO.fnameSize - 1), PRPSINFO.pr_fname);
  const line = args.map((byte) => (byte === 0 ? 0x20 : byte)).subarray(0, PRPSINFO.psargsSize - 1);
  bytes.set(line, PRPSINFO.pr_psargs);
  return bytes;
}

/** fill_files_note in fs/coredump.c: count, page size, a range and an offset in pages for each, then the names. */
function fileTable({ mappings }: ProcessState): Buffer {
  const files = mappings.flatMap(({ start, end, backing }) =>
    backing.kind === 'file' ? [{ start, end, ...backing }] : [],
  );
  const head = Buffer.alloc(16 + files.length * 24);
  head.writeBigUInt64LE(BigInt(files.length), 0);
  head.writeBigUInt64LE(BigInt(PAGE_SIZE), 8);
  files.forEach(({ start, end, offset }, index) => {
    head.writeBigUInt64LE(start, 16 + index * 24);
    head.writeBigUInt64LE(end, 24 + index * 24);
    head.writeBigUInt64LE(offset / BigInt(PAGE_SIZE), 32 + index * 24);
  });
  return Buffer.concat([head, ...files.map(({ file }) => Buffer.concat([file.path, Buffer.of(0)]))]);
}
