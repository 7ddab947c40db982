/** The program was read, and cannot be run as it is or where it is. */
import type { Explanation } from './explanation.ts';

export const IMAGE = {
  BAD_FORMAT: {
    summary: 'the file is damaged, or cut off',
    meaning:
      'The file is of a known format, and something in it is wrong. The message names the place: the offset in the file, the ' +
      'field as its specification calls it, and what stands there.',
    causes: [
      {
        when: 'it was not copied or downloaded to its end',
        remedy: 'fetch it again, and compare it with the original',
        command: 'sha256sum FILE',
      },
      {
        when: 'it went through something that changes bytes: an editor, FTP in text mode, a mail',
        remedy: 'copy it again, as it is; the field that the message names is here',
        command: 'xxd -s OFFSET -l 64 FILE',
      },
      {
        when: 'a manifest has a mistake, or names what is not there',
        remedy: 'correct the field that the message names',
      },
      {
        when: 'a sealed file was changed: not one byte of it may be',
        remedy: 'fetch it again from where it was sealed',
      },
    ],
    example: {
      prepare: ['head -c 4000 samples/elf/x86_64/tally-static > half; chmod +x half'],
      command: 'run-foreign ./half',
      message:
        'run-foreign: ./half: is truncated: a segment ends at 0x2120, the file at 0xfa0 (file offset 0xf0, p_offset of program header 3 = 0x20c0)',
    },
    reading: ['fidelity.md#files-that-are-wrong', 'formats.md'],
  },
  UNSUPPORTED: {
    summary: 'the file is in order, and of a kind that is not run',
    meaning:
      'Nothing is wrong with the file, but it uses what run-foreign does not do: a library instead of a program, an unusual ' +
      'way of packing, a checkpoint of another machine. The message says what, and mostly what else can be done.',
    causes: [
      {
        when: 'it is no program but a part of one: a library, a class file, a WebAssembly component',
        remedy: 'start the program that uses it',
      },
      {
        when: 'it is packed with a filter or a dictionary that is not known',
        remedy: 'unpack it with its own tool',
        command: 'xz -dc FILE | run-foreign -',
      },
      {
        when: 'its interpreter needs a file of its own, and it lies in a packed or piped one',
        remedy: 'unpack it into a file',
        command: 'gzip -dc FILE > PROGRAM; chmod +x PROGRAM',
      },
      {
        when: 'it was to be compiled, and cannot be',
        remedy: 'start it with run-foreign',
        command: 'run-foreign PROGRAM',
      },
    ],
    example: {
      prepare: ["printf '\\312\\376\\272\\276\\0\\0\\0\\101' > Hello.class; chmod +x Hello.class"],
      command: 'run-foreign ./Hello.class',
      message:
        'run-foreign: ./Hello.class: is a Java class file, which java cannot run by its path; java -cp DIRECTORY CLASS runs it by its name, ' +
        'or put it into a JAR with a Main-Class',
    },
    reading: ['formats.md', 'compile.md#what-is-refused'],
  },
  IMAGE_REFUSED: {
    summary: 'its memory cannot be laid out as it says',
    meaning:
      'The file could be read, but no process can have the memory it describes: segments lie over each other, past the last ' +
      'address, or where the stack must be. A library also says so of a file that has changed since it was loaded.',
    causes: [
      {
        when: 'raw machine code was given a base or an entry that cannot be',
        remedy: 'give another',
        command: 'run-foreign --format flat --loader-opt flat.base=0x400000 PROGRAM',
      },
      {
        when: 'the file was linked with addresses that Linux does not give to programs',
        remedy: 'see its memory, and link it elsewhere',
        command: 'run-foreign inspect PROGRAM',
      },
      {
        when: 'a loader from elsewhere has made an image that cannot be ("says the loader")',
        remedy: 'tell its author; its own tests should have found it',
      },
    ],
    example: {
      prepare: ['cp samples/flat/hello raw; chmod +x raw'],
      command: 'run-foreign --format flat --loader-opt flat.base=0x7ffffffff000 ./raw',
      message:
        'run-foreign: ./raw: cannot be run: image at 0x7ffffffff000 with ... bytes reaches past the last user address 0x7fffffffefff',
    },
    reading: ['loader-contract.md#images', 'fidelity.md#addresses-and-sizes'],
  },
  TOO_BIG: {
    summary: 'it is larger than a limit allows',
    meaning:
      'Something is larger than it may be: what comes through a pipe or the network, what is unpacked, the arguments, the first ' +
      "stack, or the number of files. Some limits are options, others are the kernel's.",
    causes: [
      {
        when: 'it unpacks to, or is fetched with, more than 1 GiB, or what --max-size says',
        remedy: 'allow more, if you expect that much of it',
        command: 'run-foreign --max-size 4G PROGRAM',
      },
      {
        when: 'arguments and environment do not fit the stack (E2BIG)',
        remedy: 'pass fewer, or allow a larger stack',
        command: 'ulimit -s unlimited',
      },
    ],
    example: {
      prepare: ['head -c 2000000 /dev/zero | gzip > zeros; chmod +x zeros'],
      command: 'run-foreign --max-size 1M ./zeros',
      message:
        'run-foreign: ./zeros: unpacks to more than 1048576 bytes; if it is no decompression bomb, allow more with --max-size',
    },
    reading: ['ARCHITECTURE.md#hostile-files', 'formats.md#packed-programs'],
  },
  NESTED_TOO_DEEP: {
    summary: 'programs within programs without an end',
    meaning:
      'At most 8 wrappers are taken off (gzip, xz, zstd, age, #! lines, manifests), and at most 5 interpreters are followed, as the ' +
      'kernel does. A file that goes deeper mostly leads back to itself.',
    causes: [
      {
        when: 'a #! line or a manifest names a file that leads back to it',
        remedy: 'see where each leads',
        command: 'head -n 1 FILE',
      },
      {
        when: 'it really was packed so often',
        remedy: 'unpack some of it',
        command: 'gzip -dc FILE > PROGRAM; chmod +x PROGRAM',
      },
    ],
    example: {
      prepare: [
        'cp samples/elf/x86_64/tally-static onion',
        'for i in 1 2 3 4 5 6 7 8 9; do gzip -c onion > next; cat next > onion; done',
      ],
      command: 'run-foreign ./onion',
      message: 'run-foreign: ./onion: more than 8 wrappers',
    },
    reading: ['ARCHITECTURE.md#three-verdicts'],
  },
  MACHINE_REFUSED: {
    summary: 'this machine, or what it allows us, is in the way',
    meaning:
      'The program is in order, and would run elsewhere: here a limit, a setting, a missing privilege or an older processor stands ' +
      'against it. run-foreign check tries what this machine allows, and has a command for each no.',
    causes: [
      {
        when: 'it must be loaded below vm.mmap_min_addr, as most a.out programs',
        remedy: 'run it as root, or allow it for all',
        command: 'sudo sysctl -w vm.mmap_min_addr=0',
      },
      {
        when: 'programs may not be started from memory: vm.memfd_noexec, a security module, a seccomp filter',
        remedy: 'see what check says about it',
        command: 'run-foreign check memfd-exec',
      },
      {
        when: 'a limit of resources is too low: memory, open files, the size of files',
        remedy: 'see all of them, and raise the one that the message names',
        command: 'ulimit -a',
      },
      {
        when: 'a checkpoint goes on where the processor lacks something, or a file of it has changed',
        remedy: 'restore it where it was written, or leave out what the message names',
        command: 'run-foreign --skip cpu FILE',
      },
    ],
    example: {
      command: '(ulimit -f 0; run-foreign --no-cache samples/elf/x86_64/tally-static)',
      message:
        'run-foreign: samples/elf/x86_64/tally-static: cannot be started: the limit on the size of files is below ... bytes (EFBIG); see ulimit -f',
    },
    reading: ['fidelity.md#kinds-of-machine', 'checkpoints.md#copies-and-other-machines'],
  },
} as const satisfies Record<string, Explanation>;
