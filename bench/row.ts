/** What a file in rows/ exports, so that a new figure is a new file there and a line in rows/index.ts. */

/** Something that can be measured again and again. */
export interface Contender {
  readonly name: string;
  /** One measurement, in the unit of its row. Throws when what is measured fails. */
  measure(): number | Promise<number>;
}

export type Unit = 'ms' | 'MB' | 'KiB';

/** A figure: what we do, against what others do or what is allowed. */
export interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly subject: Contender;
  /** What the subject is divided by, each by itself. */
  readonly against: readonly Contender[];
  /** Measured beside them to tell where the time goes. */
  readonly beside?: readonly Contender[];
  /** The most that the ratio to the best of `against` may be. */
  readonly goal?: number;
}

/** Many figures in one table, measured in one run: lines are what is done, columns are ways to do it. */
export interface Grid {
  readonly name: string;
  readonly unit: Unit;
  readonly columns: readonly Column[];
  readonly lines: readonly Line[];
  /** How it is drawn; those without are not. */
  readonly picture?: 'ways' | 'growth';
  /** Columns and cells that this machine cannot fill, and why. */
  readonly left?: readonly string[];
}

export interface Column {
  readonly name: string;
  /** The column whose cell in the same line a cell is divided by; without it a cell stands for itself. */
  readonly against?: string;
  /** Whether the difference to that cell is shown, too. */
  readonly difference?: boolean;
  /** Whether it is one of ours. */
  readonly ours?: boolean;
}

export interface Line {
  readonly name: string;
  /** Named as their columns; a column that has none stays empty. */
  readonly cells: readonly Contender[];
  readonly budgets?: readonly Budget[];
}

/** The most that a cell's ratio to the cell it is compared with, or the difference to it, may be. */
export type Budget = { readonly column: string } & (
  | { readonly ratio: number }
  | { readonly difference: number }
);

export interface Group {
  readonly rows?: readonly Row[];
  readonly grids?: readonly Grid[];
  /** Ends what was started for them. */
  close?(): void;
}

/** Makes what its rows need, in a directory that is removed afterwards. Throws Missing. */
export type MakeGroup = (directory: string) => Group | Promise<Group>;

/** This machine has not what a group needs. */
export class Missing extends Error {}
