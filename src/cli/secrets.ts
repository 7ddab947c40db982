/** The user's keys, behind a door: what reads them and asks for them is loaded when a sealed program is met. */
import type { Secrets } from '../loader/contract.ts';
import type { UserSecrets } from '../secrets/identities.ts';
import { clearForOthers } from './output.ts';

export interface WipeableSecrets extends Secrets {
  /** Overwrites what was read. */
  wipe(): void;
}

/** `credentials` is the value of CREDENTIALS_DIRECTORY. */
export function lazySecrets(
  keyFiles: readonly Uint8Array[],
  credentials: Uint8Array | undefined,
): WipeableSecrets {
  let loading: Promise<UserSecrets> | undefined;
  let loaded: UserSecrets | undefined;
  const load = async () => {
    loading ??= import('../secrets/identities.ts').then(({ UserSecrets }) => {
      const directory = credentials === undefined ? undefined : Buffer.from(credentials).toString();
      loaded = new UserSecrets(keyFiles, directory);
      return loaded;
    });
    return loading;
  };
  return {
    identities: async () => (await load()).identities(),
    async passphrase(purpose) {
      const secrets = await load();
      clearForOthers();
      return secrets.passphrase(purpose);
    },
    wipe: () => loaded?.wipe(),
  };
}
