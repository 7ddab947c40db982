/** What the two forms of the format begin with, the first in every version of it. */
export const MAGIC = Buffer.from('age-encryption.org/');
export const BEGIN_ARMOR = Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----');
export const END_ARMOR = '-----END AGE ENCRYPTED FILE-----';
