/** What stands in a box, and how many cells it needs. */
import type { Protection } from '../../image/image.ts';
import { permissions } from '../../image/permissions.ts';
import { cellsOf, cleaned, fitted } from '../label.ts';
import type { Region } from '../model.ts';
import { regionSize, stepsText } from '../region-text.ts';

export interface BoxText {
  /** `r-x`, with `!` where memory is written and executed, or all that neighbours of one name have; may be empty. */
  readonly access: string;
  readonly name: string;
  readonly size: string;
  /** Numbers of steps. */
  readonly steps: string;
}

/** How the parts are set apart, cells. */
const APART = 1;

/** The name is cut to what the others leave of `cells`; how much is zero is not said where it would cost the name. */
export function boxText(regions: readonly Region[], cells: number): BoxText {
  const [access, steps] = [accessWords(regions), stepsText(regions)];
  const name = cleaned(regions[0]?.name ?? '', 'any');
  const taken = taking(access) + (steps === '' ? 0 : cellsOf(steps) + 2);
  const long = regionSize(regions, true);
  const size = taken + cellsOf(name) + APART + cellsOf(long) <= cells ? long : regionSize(regions, false);
  return { access, name: fitted(name, Math.max(0, cells - taken - APART - cellsOf(size)), '…'), size, steps };
}

/** What a box would need to hold everything. */
export function neededCells(regions: readonly Region[]): number {
  const { access, name, size, steps } = boxText(regions, Number.MAX_SAFE_INTEGER);
  return taking(access) + cellsOf(name) + APART + cellsOf(size) + (steps === '' ? 0 : cellsOf(steps) + 2);
}

const taking = (words: string): number => (words === '' ? 0 : cellsOf(words) + APART);

type Access = 'read' | 'write' | 'execute' | 'both' | 'none' | 'ground';

/** The class of what may be done with memory; `ground` where there is none. */
export function accessClass(protection: Protection | undefined): Access {
  if (protection === undefined) return 'ground';
  const { read, write, execute } = protection;
  return write && execute ? 'both' : write ? 'write' : execute ? 'execute' : read ? 'read' : 'none';
}

function accessWords(regions: readonly Region[]): string {
  const texts = regions.map(({ protection }) =>
    protection === undefined
      ? ''
      : `${permissions(protection)}${accessClass(protection) === 'both' ? '!' : ''}`,
  );
  return [...new Set(texts)].slice(0, MOST_KINDS).join(' ');
}

/** Of access that are told of neighbours. */
const MOST_KINDS = 4;
