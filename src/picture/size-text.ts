/** Sizes for people. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `4 KiB`, `1.5 MiB`. */
export function sizeText(bytes: bigint): string {
  let unit = 0;
  let value = bytes;
  let tenths = 0n;
  while (value >= 1024n && unit < UNITS.length - 1) {
    tenths = ((value % 1024n) * 10n) / 1024n;
    value /= 1024n;
    unit++;
  }
  if (unit === 0) return value === 1n ? '1 byte' : `${value} bytes`;
  const fraction = tenths > 0n && value < 100n ? `.${tenths}` : '';
  return `${value}${fraction} ${UNITS[unit]}`;
}
