/**
 * What reads headers, in a file of its own because the command loads it only for files in this format: the build makes
 * it a bundle beside the command's.
 */
export { Decrypter, type Stanza } from 'age-encryption';
