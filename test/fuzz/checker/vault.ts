/** The vault: what lies in it, whether it is taken out in order, and whether what is confidential stays so. */
import { type Payload, type Plan, type Step, type Vault, vaultOf } from '../../../src/plan/plan.ts';
import type { Base } from '../../../src/process/place.ts';
import type { Source } from '../../../src/source/source.ts';
import { AddressMap } from './address-map.ts';
import { lastSegments } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';

/** How many bytes the plan's file has, be it the vault; undefined if there is none. */
export function fileSize({ plan, files }: Judged, index: number): number | undefined {
  const file = plan.files[index];
  if (file === undefined) return undefined;
  return 'payloads' in file ? file.size : files.get(file.fd)?.length;
}

/** Bytes of one of the plan's files from `offset` on, and zeros behind its end. */
export function fileBytes({ plan, files }: Judged, index: number, offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const file = plan.files[index];
  if (file === undefined) return bytes;
  if (!('payloads' in file)) {
    bytes.set((files.get(file.fd) ?? Uint8Array.of()).subarray(offset, offset + size));
    return bytes;
  }
  for (const payload of file.payloads) {
    const from = Math.max(offset, payload.at);
    const end = Math.min(offset + size, payload.at + payload.size);
    if (from < end) bytes.set(payloadBytes(payload, from - payload.at, end - from), from - offset);
  }
  return bytes;
}

function payloadBytes({ source, offset }: Payload, from: number, size: number): Uint8Array {
  const start = Math.min(offset + from, source.size);
  const bytes = source.read(start, Math.min(size, source.size - start));
  if (bytes instanceof Promise) throw new Error('the checker reads from memory only');
  return bytes;
}

export function checkVault(judged: Judged, verdicts: Verdicts): void {
  const { plan } = judged;
  const vault = vaultOf(plan);
  const first = plan.files.findIndex((file) => 'payloads' in file);
  const only = plan.files.filter((file) => 'payloads' in file).length <= 1;
  verdicts.rule('known-file', first <= 0 && only, () => 'a vault that is not the first file');
  if (vault !== undefined) {
    checkPayloads(vault, verdicts);
    checkDiscards(plan, vault, verdicts);
  }
  checkSecrecy(judged, vault, verdicts);
}

function checkPayloads({ payloads, size }: Vault, verdicts: Verdicts): void {
  const carried = new Map<Source, number>();
  let end = 0;
  for (const payload of payloads) {
    const { source, offset } = payload;
    const inSource = offset >= 0 && payload.size > 0 && offset + payload.size <= source.size;
    const apart = payload.at >= end && payload.at + payload.size <= size;
    verdicts.rule('payload-range', inSource && apart, () => `${payload.size} bytes at ${payload.at}`);
    end = payload.at + payload.size;
    carried.set(source, (carried.get(source) ?? 0) + payload.size);
  }
  for (const [source, bytes] of carried)
    verdicts.rule('carried-once', bytes <= source.size, () => `${bytes} bytes of the ${source.size}`);
}

/** What was given back is gone, and what others would miss is not given back. */
function checkDiscards({ steps }: Plan, { confidential }: Vault, verdicts: Verdicts): void {
  const state = new AddressMap<'read' | 'gone'>();
  for (const step of steps) {
    const range = vaultRange(step);
    if (range === undefined) continue;
    const { start, end } = range;
    if (step.op === 'discard') {
      const read = state.covers(start, end, (value) => value === 'read');
      verdicts.rule('discard', confidential && read, () => `0x${start.toString(16)} was not read`);
      state.set(start, end, 'gone');
    } else {
      const there = state.over(start, end).every(({ value }) => value !== 'gone');
      verdicts.rule('discard', there, () => `0x${start.toString(16)} is gone`);
      state.set(start, end, 'read');
    }
  }
}

function vaultRange(step: Step): { start: bigint; end: bigint } | undefined {
  const range = (offset: bigint, size: bigint) => ({ start: offset, end: offset + size });
  if (step.op === 'mmap') return step.file?.index === 0 ? range(step.file.offset, step.size) : undefined;
  if (step.op !== 'read' && step.op !== 'discard') return undefined;
  return step.file === 0 ? range(step.offset, step.size) : undefined;
}

/** Pages with confidential bytes lie in no file and no core, in a process that was closed before they came. */
function checkSecrecy(judged: Judged, vault: Vault | undefined, verdicts: Verdicts): void {
  const { steps } = judged.plan;
  const spaces = new Map<Base, AddressMap<'file' | 'open' | 'hidden'>>();
  for (const step of steps) {
    if (step.op !== 'mmap' && step.op !== 'hide') continue;
    const space = spaces.get(step.at.base) ?? new AddressMap<'file' | 'open' | 'hidden'>();
    spaces.set(step.at.base, space);
    const [start, end] = [step.at.offset, step.at.offset + step.size];
    if (step.op === 'mmap') space.set(start, end, step.file === undefined ? 'open' : 'file');
    else if (space.covers(start, end, (found) => found !== 'file')) space.set(start, end, 'hidden');
  }
  let secrets = 0;
  for (const [base, seen] of lastSegments(judged)) {
    for (const { start, end, value } of seen.pieces) {
      const { content } = value.segment;
      if (content === undefined || content.size === 0 || !content.source.confidential) continue;
      secrets++;
      const hidden = spaces.get(base)?.covers(start, end, (found) => found === 'hidden') === true;
      verdicts.rule('secrecy', hidden, () => `0x${start.toString(16)} of ${base} is not hidden`);
    }
  }
  const secluded = steps[0]?.op === 'seclude';
  const said = vault?.confidential === true;
  verdicts.rule('secrecy', secluded === said && (secrets === 0 || said), () => 'the process is open');
}
