/**
 * What reads and writes headers, in a file of its own because the command loads it only for files in this format: the build makes
 * it a bundle beside the command's.
 */
export { Decrypter, Encrypter, Stanza } from 'age-encryption';
