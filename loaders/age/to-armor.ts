/** ASCII armor (C2SP age, after RFC 7468) as its bytes come: lines of 64 characters of base64 between two marks. */
import { BEGIN_ARMOR, END_ARMOR } from './magic.ts';
import { regrouped } from './regroup.ts';

const BYTES_PER_LINE = 48;
const LINES_AT_ONCE = 1024;

export async function* armored(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(`${BEGIN_ARMOR}\n`);
  for await (const { bytes } of regrouped(file, BYTES_PER_LINE, LINES_AT_ONCE)) {
    yield Buffer.from(
      Buffer.from(bytes)
        .toString('base64')
        .replace(/.{1,64}/g, '$&\n'),
    );
  }
  yield Buffer.from(`${END_ARMOR}\n`);
}
