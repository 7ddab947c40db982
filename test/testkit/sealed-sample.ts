/** A small ELF sample sealed with age, and a key that opens it and nothing else: made once, so that tests repeat. */
export const IDENTITY = Buffer.from(
  'AGE-SECRET-KEY-15WTJEGHF3XSTJMGW5NA34Y53SWTHSACRQ3W6CS6DCXMJTTAUMRRQC4GFNF\n',
);

export const SEALED = Buffer.from(
  `YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB4d3hKZ28zTStLcDRXZkEwVmtMMzVWbGp2Nldzb2Faa3k3UHNIR3ZaWWg0
ClRDTXdyZVBlcUVpZ0JLYjBZQmxiV013QVhzRy9XZnJkUlhDNmdkZzJFOFUKLS0tIEl6V2dnMzhWSG9mUlFOMjgvcUxmQ1hjK1Bw
M3ZFZmdFZDZ5M0xxakJsSncKbenUvsBVkpNwNMNhEVjLca8tTOFxmhz7g0sEOosAeOhr6TwaHCUAKRKo9P1x2GzO9U/ArNSSGTWH
8EqBthzWpyYVe3/X7bSa193OKgcrWennPzixdZxob6xZTibeHpBfoC47nfVa9x2vCQ5JaJgCyffc5xYryxA+j9+ckyu9KHnf7qmP
nDDwXkcMc755BV1LEMUF8fsMoo01VpMh+iZJnG+hx4wrcwbOTgmc61sn1wvtLQlrPijlyMMXXd3D4C+71IuMof2p3FGR9MqTau6X
R0VAlxxfeFZsezK18ejHkODCHCkf/OC1UtCP9Hi+MOH6X+b+PwKwr0leISFUqt5gsdK2QMCXmTJUs+bgVfYYIccUaNUhgrVYDage`,
  'base64',
);
