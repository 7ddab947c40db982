/** What a file in rows/ exports, so that a new figure is a new file there and a line in rows/index.ts. */

/** Something that can be measured again and again. */
export interface Contender {
  readonly name: string;
  /** One measurement, in the unit of its row. Throws when what is measured fails. */
  measure(): number | Promise<number>;
}

/** A figure: what we do, against what others do or what is allowed. */
export interface Row {
  readonly name: string;
  readonly unit: 'ms' | 'MB';
  readonly subject: Contender;
  /** What the subject is divided by, each by itself. */
  readonly against: readonly Contender[];
  /** Measured beside them to tell where the time goes. */
  readonly beside?: readonly Contender[];
  /** The most that the ratio to the best of `against` may be. */
  readonly goal?: number;
}

export interface Group {
  readonly rows: readonly Row[];
  /** Ends what was started for them. */
  close?(): void;
}

/** Makes what its rows need, in a directory that is removed afterwards. Throws Missing. */
export type MakeGroup = (directory: string) => Group | Promise<Group>;

/** This machine has not what a group needs. */
export class Missing extends Error {}
