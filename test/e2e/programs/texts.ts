/** Files that several programs work on. */

export const POEM = `The quick brown fox
jumps over the lazy dog
\tand 42 more, 7 of them lazy
the end
`;

/** `name amount` a line, in no order. */
export const AMOUNTS = Array.from(
  { length: 400 },
  (_, n) => `item${(n * 37) % 101} ${(n * 7919) % 1009}\n`,
).join('');

/** Long enough for several blocks of any compressor. */
export const LONG = Array.from({ length: 20_000 }, (_, n) => `${n} ${(n * n) % 65_521}\n`).join('');
