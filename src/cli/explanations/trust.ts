/** The program may be anybody's, is closed to us, or did not come. */
import type { Explanation } from './explanation.ts';

const NO_HASH = '0'.repeat(64);

export const TRUST = {
  UNAUTHENTICATED: {
    summary: 'nobody vouches for it, or it is something else',
    meaning:
      'What comes from the network runs only if its SHA-256 or a signature says that it is what you want. Either there is neither, or ' +
      'the file is another. The same is checked of local files where you ask for it.',
    causes: [
      {
        when: 'the URL has neither a digest nor a key',
        remedy: 'take the digest of a copy that you trust, and write it behind the URL',
        command: 'sha256sum COPY',
      },
      {
        when: 'the file is not the one that was pinned: it was changed, or there is a new version',
        remedy:
          "find out which before you change the pin; the digest in the message is of what came, which may be anybody's",
      },
      {
        when: 'the signature is missing, damaged, or of another key',
        remedy: 'see who has signed it',
        command: 'minisign -V -m FILE -p KEY.pub',
      },
    ],
    example: {
      command: 'run-foreign https://example.org/tally',
      message:
        'run-foreign: https://example.org/tally: comes from the network and is neither pinned nor signed; append #sha256=HEX, ' +
        'which sha256sum prints for a copy you trust, or give --verify-key',
    },
    reading: ['security.md#programs-from-the-network', 'security.md#pinned-programs-on-this-machine'],
  },
  KEY_NEEDED: {
    summary: 'it is sealed, and no key opens it',
    meaning:
      'The program is encrypted with age. No key was given, none of those given fits, or the passphrase was wrong or could not be asked for.',
    causes: [
      {
        when: 'no key was named',
        remedy: 'name the file with it',
        command: 'run-foreign -i KEYFILE PROGRAM',
      },
      {
        when: 'it was sealed for another key',
        remedy: 'compare this with the recipients it was sealed for, and let it be sealed for you, too',
        command: 'age-keygen -y KEYFILE',
      },
      {
        when: 'a passphrase opens it, and there is no terminal to ask on',
        remedy: 'start it from a terminal, or seal it for a key',
        command: 'run-foreign seal PROGRAM -r RECIPIENT -o FILE',
      },
      {
        when: 'a manifest names a credential, and no service manager has passed one',
        remedy: 'set LoadCredential= in the unit',
      },
    ],
    example: {
      prepare: [
        'run-foreign seal samples/elf/x86_64/tally-static --executable -o sealed -r age1c8r3y0kq5jnma3yrk4y9plwu7lekfk53w8c0tje87gykvtnkhqsqf5yukx',
      ],
      command: 'run-foreign ./sealed',
      message:
        'run-foreign: ./sealed: is sealed for 1 recipient (X25519), and there is no key; name a key file with -i',
    },
    reading: ['security.md#keys', 'formats.md#age'],
  },
  NETWORK: {
    summary: 'it could not be fetched',
    meaning:
      'The server did not answer, did not give the file out, or the connection broke more often than it is taken up again. Nothing was started.',
    causes: [
      {
        when: 'the server cannot be reached, or its name is not known',
        remedy: 'see whether anybody reaches it; a proxy is not used',
        command: 'curl -v -o /dev/null URL',
      },
      {
        when: 'its certificate is not trusted',
        remedy: 'name the certificate of its authority, if you trust it',
        command: 'NODE_EXTRA_CA_CERTS=FILE run-foreign URL',
      },
      {
        when: 'the file changed on the server meanwhile',
        remedy: 'try again',
      },
      {
        when: 'the server wants a password, or asks for too many redirects',
        remedy: 'fetch it yourself, and run the copy',
        command: 'run-foreign --sha256 HEX ./COPY',
      },
    ],
    example: {
      command: `run-foreign 'http://127.0.0.1:9/tally#sha256=${NO_HASH}'`,
      message:
        'run-foreign: http://127.0.0.1:9/tally: cannot be fetched: nobody answers there (ECONNREFUSED)',
    },
    reading: ['security.md#what-a-server-can-do'],
  },
} as const satisfies Record<string, Explanation>;
