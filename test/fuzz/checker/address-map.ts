/** What lies where in one address space: disjoint ranges in order, each with a value; later ones replace. */

export interface Piece<T> {
  readonly start: bigint;
  readonly end: bigint;
  readonly value: T;
}

export class AddressMap<T> {
  #pieces: Piece<T>[] = [];

  /** In order. */
  get pieces(): readonly Piece<T>[] {
    return this.#pieces;
  }

  /** The pieces that meet [start, end), whole. */
  over(start: bigint, end: bigint): readonly Piece<T>[] {
    const from = this.#firstEndingAfter(start);
    let to = from;
    while ((this.#pieces[to]?.start ?? end) < end) to++;
    return this.#pieces.slice(from, to);
  }

  /** Gives [start, end) a value, whatever was there before. */
  set(start: bigint, end: bigint, value: T): void {
    const met = this.over(start, end);
    const pieces: Piece<T>[] = [];
    const [first, last] = [met[0], met.at(-1)];
    if (first !== undefined && first.start < start) pieces.push({ ...first, end: start });
    pieces.push({ start, end, value });
    if (last !== undefined && last.end > end) pieces.push({ ...last, start: end });
    this.#pieces.splice(this.#firstEndingAfter(start), met.length, ...pieces);
  }

  /** Whether all of [start, end) has a value, and each one for which `holds`. */
  covers(start: bigint, end: bigint, holds: (value: T) => boolean = () => true): boolean {
    let from = start;
    for (const piece of this.over(start, end)) {
      if (piece.start > from || !holds(piece.value)) return false;
      from = piece.end;
    }
    return from >= end;
  }

  #firstEndingAfter(address: bigint): number {
    let [low, high] = [0, this.#pieces.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pieces[middle]?.end ?? 0n) > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
