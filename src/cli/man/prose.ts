/** What the man page says that --help does not. */

/** Variables that stand in for no option. */
export const ENVIRONMENT = [
  ['PATH', 'where PROGRAM is looked up unless its name has a slash, and node.'],
  ['HOME, XDG_CONFIG_HOME, XDG_CACHE_HOME', 'where the files of the user lie, see FILES.'],
  ['CREDENTIALS_DIRECTORY', 'where keys of services lie (systemd.exec(5)).'],
  ['NODE_EXTRA_CA_CERTS', 'a file of certificates to trust besides those of the system, for https URLs.'],
  ['NO_COLOR', 'unless it is empty: write no colours.'],
] as const;

export const FILES = [
  [
    '~/.config/run-foreign/run-foreign.config.json',
    'the configuration of the user: loaders that are always asked. It may be run-foreign.config.js instead.',
  ],
  ['~/.cache/run-foreign/starts', 'what was kept of starts: the next of the same file needs no Node.'],
  ['~/.cache/run-foreign/loaders', 'loaders in TypeScript as they were compiled.'],
] as const;

export const NOTES = [
  'Programs that load below the sysctl vm.mmap_min_addr, as most a.out programs do, need CAP_SYS_RAWIO or that sysctl at 0. ' +
    '/proc/PID/exe can name PROGRAM only where the process has CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. ' +
    'run-foreign check says what is so on this machine.',
  'A file in a foreign format starts by itself behind a first line #!/path/of/run-foreign, which may have options.',
  'A loader from elsewhere is code that runs as you. What is checked of programs, loaders and keys is written in docs/security.md, ' +
    'and a page for each other matter lies beside it in the package.',
] as const;

export const SEE_ALSO = [
  ['age', 1],
  ['minisign', 1],
  ['execve', 2],
  ['prctl', 2],
  ['core', 5],
  ['elf', 5],
  ['capabilities', 7],
] as const;
