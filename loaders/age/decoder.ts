export { Encrypter, Stanza } from 'age-encryption';
