/**
 * A process's identity with the randomness taken out: addresses become what they point into and how far,
 * so that two runs of a program can be compared, whoever started them.
 */
import { AT, auxvName } from '../../src/process/auxv.ts';
import { type Identity, type Mapping, mappingAt, type StatField } from '../support/proc.ts';

const VDSO = /^\[(vdso|vvar|vvar_vclock)\]$/;
const PAGE = 4096n;

export interface View {
  readonly comm: string;
  readonly exe: string;
  readonly cmdline: readonly string[];
  readonly environ: readonly string[];
  readonly stat: Readonly<Record<StatField, string>>;
  readonly auxv: readonly string[];
  /** Without the vDSO and its data, for which see vdsoNeighbours. */
  readonly maps: readonly string[];
}

export function view(identity: Identity): View {
  const { comm, exe, cmdline, environ, maps } = identity;
  return {
    comm,
    exe,
    cmdline,
    environ,
    stat: viewStat(identity),
    auxv: identity.auxv.map(([type, value]) => `${auxvName(type)} ${viewAuxv(identity, type, value)}`),
    maps: withoutVdso(maps).map(mappingText),
  };
}

/** Every field an address of its own: for runs without randomisation, or for one that is looked at. */
export function exact({ stat, auxv, maps }: Pick<Identity, 'stat' | 'auxv' | 'maps'>) {
  return { stat: hexOf(stat), auxv: auxv.map(auxvText), maps: maps.map(exactMapping) };
}

/** What lies right below and right above the vDSO with its data, if anything touches it. */
export function vdsoNeighbours(maps: readonly Mapping[]): { below: string; above: string } {
  const own = maps.filter(({ name }) => VDSO.test(name));
  const [first, last] = [own[0], own.at(-1)];
  const touching = (found: Mapping | undefined) =>
    found === undefined ? 'nothing' : found.name || 'anonymous';
  return {
    below: touching(maps.find(({ end }) => end === first?.start)),
    above: touching(maps.find(({ start }) => start === last?.end)),
  };
}

export function withoutVdso(maps: readonly Mapping[]): Mapping[] {
  return maps.filter(({ name }) => !VDSO.test(name));
}

/** Pages that are writable and executable. */
export function writableCode(maps: readonly Mapping[]): string[] {
  return maps.filter(({ permissions }) => /^.wx/.test(permissions)).map(mappingText);
}

/** The stack's size follows the random distance of its pointer from the top, so it says nothing. */
function mappingText({ start, end, permissions, offset, name }: Mapping): string {
  const size = name === '[stack]' ? '' : ` ${hex(end - start)} bytes`;
  return `${permissions} ${hex(offset)}${size} ${name}`;
}

function exactMapping({ start, end, permissions, offset, name }: Mapping): string {
  return `${hex(start)}-${hex(end)} ${permissions} ${hex(offset)} ${name}`;
}

function auxvText([type, value]: readonly [number, bigint]): string {
  return `${auxvName(type)} ${hex(value)}`;
}

function viewStat(identity: Identity): Record<StatField, string> {
  const { stat } = identity;
  const image = (address: bigint) => fromImage(identity, address);
  const stack = (address: bigint) => fromStackEnd(identity, address);
  return {
    start_code: image(stat.start_code),
    end_code: image(stat.end_code),
    start_data: image(stat.start_data),
    end_data: image(stat.end_data),
    start_brk: viewBrk(identity),
    start_stack: `in ${nameAt(identity, stat.start_stack)}, ${stat.start_stack % 16n} above a multiple of 16`,
    arg_start: stack(stat.arg_start),
    arg_end: stack(stat.arg_end),
    env_start: stack(stat.env_start),
    env_end: stack(stat.env_end),
  };
}

function viewBrk({ stat, maps }: Identity): string {
  const heap = maps.find(({ name }) => name === '[heap]');
  const place = heap === undefined ? 'no heap' : `heap${hex(stat.start_brk - heap.start)}`;
  return `${place}, ${stat.start_brk % PAGE} bytes into a page`;
}

function viewAuxv(identity: Identity, type: number, value: bigint): string {
  switch (type) {
    case AT.PHDR:
    case AT.ENTRY:
      return fromImage(identity, value);
    case AT.BASE:
    case AT.SYSINFO_EHDR:
    case AT.SYSINFO: {
      const mapping = mappingAt(identity.maps, value);
      return mapping === undefined ? hex(value) : `${mapping.name}+${hex(value - mapping.start)}`;
    }
    case AT.EXECFN:
      return fromStackEnd(identity, value);
    case AT.RANDOM:
      return nameAt(identity, value);
    case AT.PLATFORM: {
      const random = identity.auxv.find(([other]) => other === AT.RANDOM)?.[1] ?? 0n;
      return `${nameAt(identity, value)}, AT_RANDOM+${hex(value - random)}`;
    }
    default:
      return hex(value);
  }
}

/** Fixed images are at fixed addresses; the others are wherever they are, and counted from there. */
function fromImage({ maps, exe }: Identity, address: bigint): string {
  const base = maps.find(({ name }) => name === exe)?.start ?? 0n;
  return base < 0x1_0000_0000n && base > 0n && address < 0x1000_0000n
    ? hex(address)
    : `image+${hex(address - base)}`;
}

function fromStackEnd({ maps }: Identity, address: bigint): string {
  const end = maps.find(({ name }) => name === '[stack]')?.end ?? 0n;
  return `stack end-${hex(end - address)}`;
}

function nameAt({ maps }: Identity, address: bigint): string {
  return mappingAt(maps, address)?.name ?? 'nothing';
}

function hexOf(fields: Readonly<Record<StatField, bigint>>): Record<StatField, string> {
  const entries = Object.entries(fields).map(([name, value]) => [name, hex(value)]);
  return Object.fromEntries(entries) as Record<StatField, string>;
}

function hex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
