/** The entries of a binfmt_misc, ours and others': what is said of them, who keeps which files, and what is there at the next boot. */
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ownBinfmt } from '../support/binfmt.ts';
import { quote, temporary } from '../support/run.ts';

const LIMIT = 90_000;
const directory = temporary();
afterAll(directory.remove);
const SAMPLES = ['aout/hello-qmagic', 'aout/hello-zmagic', 'ape/tally', 'inputs/words.txt'];
const { script, command } = ownBinfmt(directory, SAMPLES);
const INTERPRETER = `${command}-binfmt`;
const HELLO = 'hello from a.out QMAGIC\n';

describe('status', () => {
  interface Document {
    mounted: boolean;
    interpreter: string;
    formats: {
      format: string;
      entries: { name: string; kernel: unknown; boot: unknown; takenBy: { name: string } | null }[];
    }[];
  }

  test('before, meanwhile and after', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rf status aout --json; printf '\\f'
      rf register aout --style systemd > /dev/null; rf status aout --json; printf '\\f'
      rf register aout --now > /dev/null; echo 0 > $misc/run-foreign-aout-qmagic-i386
      rf status aout; printf '\\f'
      rf unregister aout; ls $misc /etc/binfmt.d; rf status aout; rf unregister
    `);
    expect(stderr).toBe('');
    const [before = '', meanwhile = '', off = '', after = ''] = stdout.split('\f');
    const first = JSON.parse(before) as Document;
    expect(first).toMatchObject({ mounted: false, interpreter: INTERPRETER });
    expect(first.formats[0]?.entries[0]).toMatchObject({ kernel: null, boot: null, takenBy: null });
    const second = JSON.parse(meanwhile) as Document;
    for (const entry of second.formats[0]?.entries ?? [])
      expect(entry).toMatchObject({
        kernel: { interpreter: INTERPRETER, flags: 'P', enabled: true, ours: true, agrees: true },
        boot: { file: '/etc/binfmt.d/run-foreign-aout.conf', agrees: true },
        takenBy: null,
      });
    expect(off).toContain('registered, 8 of 8 magics, 1 of them switched off');
    expect(after).toMatch(
      /^8 entries taken from the kernel\nremoved \/etc\/binfmt\.d\/run-foreign-aout\.conf\n/,
    );
    expect(after).not.toContain('run-foreign-aout-');
    expect(after).toMatch(/aout +not registered\nthere was nothing of ours\n$/);
  });

  test('says what was registered otherwise, and what is of no format', { timeout: LIMIT }, async () => {
    const { stdout } = await script(`
      mounted
      echo ':run-foreign-wasm-webassembly:M::\\x00asm::/old/run-foreign-binfmt:P' > $misc/register
      echo ':run-foreign-toy:M::TOY1::/old/run-foreign-binfmt:P' > $misc/register
      rf status wasm; rf register wasm --now; rf status wasm; rf unregister
    `);
    expect(stdout).toMatch(/otherwise than now, for\s+\/old\/run-foreign-binfmt,\s+which\s+is\s+not\s+there/);
    expect(stdout).toContain('of ours, and of no format: run-foreign-toy');
    expect(stdout).toMatch(/wasm +registered, 1 of 1 magic\n +flags P\n +next boot: no file has it/);
    expect(stdout).toMatch(/2 entries taken from the kernel\n$/);
  });
});

describe('entries of others', () => {
  test('wine keeps its files, but for those that are ours', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      mounted
      echo ':wine:M::MZ::/bin/echo:' > $misc/register
      ./tally words.txt
      rf register ape --now; ./tally words.txt
      printf 'MZ a program for Windows' > windows; chmod +x windows; ./windows
      rf unregister ape; ./tally words.txt; ls $misc
    `);
    expect(stderr).toMatch(
      /run-foreign-ape: files that wine \(\/bin\/echo\) takes, too, go to run-foreign-ape/,
    );
    expect(stdout).toMatch(
      /^\.\/tally words.txt\nape: .*until the next boot\n3 6 30 words.txt\n\.\/windows\n.*\n\.\/tally words\.txt\nregister\nstatus\nwine\n$/,
    );
  });

  test('that would lose all of their files keep them, unless that is forced', {
    timeout: LIMIT,
  }, async () => {
    const { stdout, stderr } = await script(`
      mounted
      echo ':qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64:OCF' > $misc/register
      rf register qemu --now; echo "$?"
      ls $misc | grep -c run-foreign
      rf status qemu
      rf register qemu --now --force; echo "$?"
      rf unregister qemu; ls $misc
    `);
    expect(stderr).toMatch(
      /run-foreign-qemu-aarch64 is not registered: it would take all files of qemu-aarch64 \(\/usr\/bin\/qemu-aarch64\); --force/,
    );
    expect(stdout).toMatch(/^qemu: 32 magics registered.*\n1\n32\n/);
    expect(stdout).toContain('its files go to qemu-aarch64');
    expect(stdout).toMatch(/qemu: 33 magics registered.*\n0\n.*\nqemu-aarch64\nregister\nstatus\n$/);
  });

  test('who comes later at the next boot, or has our name', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      mkdir -p /run/binfmt.d
      echo ':wine:M::MZ::/usr/bin/wine:' > /run/binfmt.d/wine.conf
      rf register ape; echo "$?"
      mv /run/binfmt.d/wine.conf /run/binfmt.d/a-wine.conf
      rf register ape; echo "$?"
      echo mine > /etc/binfmt.d/run-foreign-wasm.conf
      rf register wasm; echo "$?"; cat /etc/binfmt.d/run-foreign-wasm.conf
      rf unregister; cat /etc/binfmt.d/run-foreign-wasm.conf
      echo ':run-foreign-wasm-webassembly:M::zzzz::/bin/true:' > $misc/register
      rf register wasm --now; rf unregister; ls $misc
    `);
    expect(stderr).toMatch(
      /from the next boot on wine .* of \/run\/binfmt\.d\/wine\.conf would take all of its files/,
    );
    expect(stderr).toMatch(/run-foreign-wasm\.conf: is there already/);
    expect(stderr).toMatch(/somebody else's entry has this name, which starts \/bin\/true/);
    expect(stdout).toMatch(/\n1\nape: 2 magics registered.*\n0\n2\nmine\n/s);
    expect(stdout).toMatch(/run-foreign-wasm-webassembly\nstatus\n$/);
  });

  test('a hostile loader takes no native program, nor what runs it', { timeout: LIMIT }, async () => {
    const loader = (name: string, bytes: string, mask = '') =>
      directory.file(
        `${name}.mjs`,
        `export default { name: '${name}', apiVersion: 1, kind: 'program', description: 'hostile',
          magics: [{ offset: 0, bytes: Buffer.from('${bytes}', 'hex')${mask}, name: 'aout' }],
          probe: () => null, load() { throw new Error('no'); } };`,
      );
    const all = [
      loader('native', '7f454c46'),
      loader('everything', '00000000', ", mask: Buffer.from('00000001', 'hex')"),
      loader('scripts', '2321'),
      loader('masked', '5f4c4542', ", mask: Buffer.from('5f4c4542', 'hex')"),
    ];
    const { stdout, stderr } = await script(
      `mount -t binfmt_misc binfmt_misc $misc\n${all
        .map(
          (file) => `rf register --force --loader ${quote(file)} $(basename ${quote(file)} .mjs); echo "$?"`,
        )
        .join('\n')}\nls $misc; /bin/true && echo unharmed`,
    );
    expect(stdout, stderr).toBe('1\n1\n1\n1\nregister\nstatus\nunharmed\n');
    expect(stderr.match(/cannot be registered/g)).toHaveLength(4);
  });
});

describe('what stands in the way', () => {
  test('who may not is told who may', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      $nobody ${quote(command)} binfmt register aout; echo "$?"
      umask 077; rf register aout --style systemd > /dev/null
      $nobody ${quote(command)} binfmt register aout; echo "$?"
      $nobody ${quote(command)} binfmt unregister; echo "$?"
      $nobody ${quote(command)} binfmt status aout
    `);
    expect(stderr.match(/; run this as root\n/g)).toHaveLength(3);
    expect(stdout).toMatch(
      /^126\n126\n126\n.*aout +registered, 8 of 8 magics\n +flags P\n +next boot: .*aout\.conf\n$/s,
    );
  });

  test('a file that cannot be written, before the kernel is told', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      mounted; mount -o remount,bind,ro /etc/binfmt.d
      rf register aout --style systemd; echo "$?"; ls $misc
    `);
    expect(stderr).toMatch(/\/etc\/binfmt\.d\/run-foreign-aout\.conf: cannot be written: EROFS\n$/);
    expect(stdout).toBe('125\nregister\nstatus\n');
  });

  test('a Node that only some have, and a place that others can write to', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rm /usr/local/bin/node; : > none; test -e /usr/bin/node && mount --bind none /usr/bin/node
      test -e /bin/node && mount --bind none /bin/node
      export PATH=${quote(directory.path)}:$PATH
      rf register aout; echo "$?"
      rf register aout --force > /dev/null; ./hello-qmagic
      rf unregister > /dev/null
      ln -s ${quote(join(directory.path, 'node'))} /usr/local/bin/node
      chmod 777 ${quote(directory.path)}; rf register aout; echo "$?"; chmod 755 ${quote(directory.path)}
      rf register aout --interpreter /none/run-foreign-binfmt; echo "$?"
      rf register aout --interpreter /bin/true; echo "$?"
    `);
    expect(stderr).toMatch(/nothing is registered: .*no node in \/usr\/local\/bin, .*ln -s .*--force/);
    expect(stderr).toMatch(/may be written by others .*: whoever it is could run code as everybody/);
    expect(stderr).toMatch(/\/none\/run-foreign-binfmt: the interpreter is not there/);
    expect(stderr).toMatch(/\/bin\/true: --interpreter takes the absolute path of run-foreign-binfmt/);
    expect(stdout).toBe(`126\n${HELLO}126\n2\n2\n`);
  });

  test('a binfmt_misc that is switched off', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(
      'mounted; echo 0 > $misc/status; rf register aout --now; rf status aout',
    );
    expect(stderr).toContain('echo 1 > /proc/sys/fs/binfmt_misc/status');
    expect(stdout).toContain('mounted, and switched off');
  });
});

describe('at the next boot', () => {
  test('systemd-binfmt registers what is in our files', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rf register aout ape core wasm age --style systemd > /dev/null
      ls $misc > before; umount $misc; mounted; echo -1 > $misc/status
      ls -l /etc/binfmt.d | grep -c '^-rw-r--r--'
      /lib/systemd/systemd-binfmt; ls $misc | diff before -; ./hello-qmagic; rf status aout
    `);
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      new RegExp(`^5\n${HELLO}[^]*aout +registered, 8 of 8 magics\n +flags P\n +next boot: .*aout.conf\n$`),
    );
  });

  test('update-binfmts registers what is in our format files', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      rf register aout --style debian; ls /usr/share/binfmts | wc -l
      for each in $misc/run-foreign*; do echo -1 > $each; done
      update-binfmts --enable; ./hello-qmagic; rf status aout | head -n 5
      rf unregister > /dev/null; ls $misc /usr/share/binfmts /var/lib/binfmts
      rf print aout --style debian > all
      csplit -s -f /usr/share/binfmts/one- all '/^$/' '{*}'
      update-binfmts --import one-00; ls $misc; ./hello-zmagic; echo "$?"
    `);
    expect(stderr).not.toContain('warning');
    expect(stdout).toMatch(
      /^.*\naout: 8 magics registered; for the next boot it is in 8 files beside .*\n8\n/,
    );
    expect(stdout).toContain(`8\n${HELLO}`);
    expect(stdout).toMatch(/aout +registered, 8 of 8 magics\n/);
    expect(stdout).toMatch(/\/usr\/share\/binfmts:\n\n\/var\/lib\/binfmts:\n/);
    expect(stdout).toContain('one-00\n');
  });

  test('where nobody would read them, that is said', { timeout: LIMIT }, async () => {
    const { stdout, stderr } = await script(`
      for each in /lib/systemd/systemd-binfmt /usr/sbin/update-binfmts; do
        mkdir -p empty; mount --bind empty $(dirname $each)
      done
      rf register aout; ls /etc/binfmt.d
    `);
    expect(stdout).toMatch(/aout: 8 magics registered; until the next boot\n$/);
    expect(stderr).toMatch(/nothing on this machine registers formats when it starts/);
  });
});
