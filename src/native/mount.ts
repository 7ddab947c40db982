/** mount(2), for the one file system that the command may mount. */
import { errnoName } from '../errno.ts';
import { declare, koffi } from './koffi.ts';

const mountCall = declare(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
);
/** include/uapi/linux/mount.h */
const [MS_NOSUID, MS_NODEV, MS_NOEXEC] = [2, 4, 8];

/** Mounts binfmt_misc, as systemd does; the errno's name where that is refused. */
export function mountBinfmtMisc(target: string): string | undefined {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const result = mountCall('binfmt_misc', target, 'binfmt_misc', flags, null) as number;
  return result === 0 ? undefined : errnoName(koffi().errno());
}
