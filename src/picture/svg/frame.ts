/** Where a column's rows are drawn, and at what scale. Lengths are pixels. */

/** How boxes grow, pixels: for every doubling of the size from a page on, and how far. */
export interface Scale {
  readonly growth: number;
  readonly most: number;
}

/** What a column's rows have in common. */
export interface Frame {
  readonly base: string | undefined;
  /** Whether nothing is known of addresses. */
  readonly unplaced: boolean;
  /** Whether the place is known only at run time. */
  readonly floating: boolean;
  /** Where addresses end, and where boxes begin and end. */
  readonly left: number;
  readonly right: number;
  readonly scale: Scale;
}
