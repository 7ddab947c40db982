/** Pages of x86, in which loaders lay programs out. */
export const PAGE_SIZE = 4096n;

/** Where the page of an address begins. */
export const pageStart = (address: bigint): bigint => address - (address % PAGE_SIZE);

/** Where the page ends in which a range ends. */
export const pageEnd = (address: bigint): bigint => pageStart(address + PAGE_SIZE - 1n);
