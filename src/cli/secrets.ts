/** The user's keys, behind a door: what reads them and asks for them is loaded when a sealed program is met. */
import { join } from 'node:path';
import { ForeignError } from '../errors.ts';
import type { IdentityFile, IdentityName, Secrets } from '../loader/contract.ts';
import type { UserSecrets } from '../secrets/identities.ts';
import { keyDescriptor } from '../secrets/key-names.ts';
import { clearForOthers } from './output.ts';

export interface WipeableSecrets extends Secrets {
  /** These, and the key files that a manifest names; `wipe` overwrites those, too. */
  with(identities: readonly IdentityName[]): Secrets;
  /** Overwrites what was read. */
  wipe(): void;
}

/** `credentials` is the value of CREDENTIALS_DIRECTORY. */
export function lazySecrets(
  keyFiles: readonly Uint8Array[],
  credentials: Uint8Array | undefined,
): WipeableSecrets {
  const directory = credentials === undefined ? undefined : Buffer.from(credentials).toString();
  const loaded: UserSecrets[] = [];
  const load = async (names: readonly Uint8Array[], credentials: string | undefined) => {
    const { UserSecrets } = await import('../secrets/identities.ts');
    const secrets = new UserSecrets(names, credentials);
    loaded.push(secrets);
    return secrets;
  };
  let loading: Promise<UserSecrets> | undefined;
  const own = () => {
    loading ??= load(keyFiles, directory);
    return loading;
  };
  const passphrase = async (purpose: string) => {
    const secrets = await own();
    clearForOthers();
    return secrets.passphrase(purpose);
  };
  return {
    identities: async () => (await own()).identities(),
    passphrase,
    with(identities) {
      let named: Promise<readonly IdentityFile[]> | undefined;
      const read = async () => {
        const names = identities.map((each) => keyFileOf(each, directory));
        return (await load(names, undefined)).identities();
      };
      return {
        passphrase,
        async identities() {
          const users = await (await own()).identities();
          named ??= read().catch((cause: unknown) => {
            throw notTheUsers(cause);
          });
          return [...users, ...(await named)];
        },
      };
    },
    wipe() {
      for (const secrets of loaded) secrets.wipe();
    },
  };
}

function keyFileOf(identity: IdentityName, directory: string | undefined): Uint8Array {
  if (identity.kind === 'file') {
    if (keyDescriptor(identity.path) === undefined) return identity.path;
    const message = `names ${Buffer.from(identity.path)} for its keys, and descriptors are the caller's to give`;
    throw new ForeignError('BAD_FORMAT', message, { hint: 'give them with -i' });
  }
  if (directory !== undefined) return Buffer.from(join(directory, identity.name));
  throw new ForeignError('KEY_NEEDED', `needs the credential ${identity.name}, and there are none`, {
    hint: 'systemd passes them to a service that LoadCredential= is set for',
  });
}

/** What cannot be read was named by a file: the command line is right. */
function notTheUsers(cause: unknown): unknown {
  if (!(cause instanceof ForeignError) || cause.code !== 'USAGE') return cause;
  const { message, subject, hint } = cause;
  return new ForeignError('KEY_NEEDED', message, {
    cause,
    ...(subject !== undefined && { subject }),
    ...(hint !== undefined && { hint }),
  });
}
