/** The program, its format, or what runs it was not found. */
import type { Explanation } from './explanation.ts';

export const FINDING = {
  PROGRAM_NOT_FOUND: {
    summary: 'there is no such program',
    meaning:
      'The name leads to no file: neither as a path, nor in the directories of PATH, nor on the server. The same is said of a ' +
      'file that the program needs in order to start, its interpreter above all, and then the message names that.',
    causes: [
      {
        when: 'the name has no slash and is looked up in PATH, where it is not',
        remedy: 'write ./ before a program in the current directory',
        command: 'run-foreign ./PROGRAM',
      },
      {
        when: 'the path is wrong, or a symbolic link leads nowhere',
        remedy: 'see where the path ends',
        command: 'namei -l PATH',
      },
      {
        when: '"its interpreter" is missing: the program was made for another distribution or C library',
        remedy: 'install the package that has what the message names; this shows it, too',
        command: 'file PROGRAM',
      },
      {
        when: 'the server answers 404 or 410',
        remedy: 'see whether the URL is right, and whether the file is still there',
        command: 'curl -I URL',
      },
    ],
    example: {
      command: 'run-foreign ./no-such-program',
      message: 'run-foreign: ./no-such-program: no such file',
    },
    reading: ['fidelity.md#names-and-permissions'],
  },
  NOT_EXECUTABLE: {
    summary: 'the file is there and may not be executed',
    meaning:
      'The file was found, and the kernel would not execute it for this user: permissions, the kind of file, or how the ' +
      'file system is mounted stand against it. run-foreign must be able to read it, too, because it does what the kernel does otherwise.',
    causes: [
      {
        when: 'the file has no x bit',
        remedy: 'make it executable',
        command: 'chmod +x FILE',
      },
      {
        when: 'the file cannot be read, or a directory on the way cannot be entered',
        remedy: 'see which part refuses, and ask its owner',
        command: 'namei -l FILE',
      },
      {
        when: 'it lies on a file system that is mounted noexec',
        remedy: 'copy it to another, or pass it through a pipe',
        command: 'cat FILE | run-foreign -',
      },
      {
        when: 'somebody still writes to it (ETXTBSY)',
        remedy: 'wait until that is done; this shows who it is',
        command: 'fuser -v FILE',
      },
      {
        when: 'it is a directory, a device, a socket or a FIFO',
        remedy: 'name a regular file, or pass the program as standard input',
        command: 'run-foreign - < FIFO',
      },
    ],
    example: {
      prepare: ['echo hello > notes.txt'],
      command: 'run-foreign ./notes.txt',
      message: 'run-foreign: ./notes.txt: permission denied; make it executable: chmod +x',
    },
    reading: ['fidelity.md#names-and-permissions'],
  },
  UNKNOWN_FORMAT: {
    summary: 'no loader knows this kind of file',
    meaning:
      'Every loader was asked, and each said that the file is not of its format. The message lists those that were asked.',
    causes: [
      {
        when: 'it is a script without a #! line',
        remedy: 'name its interpreter',
        command: 'sh FILE',
      },
      {
        when: 'it is no program at all: a download that ended as a page of HTML, for example',
        remedy: 'see what it is',
        command: 'file FILE',
      },
      {
        when: 'it is raw machine code, which has nothing that it could be known by',
        remedy: 'say so, and where it is to lie',
        command: 'run-foreign --format flat --loader-opt flat.base=ADDRESS FILE',
      },
      {
        when: 'its format needs a loader from elsewhere',
        remedy: 'name the loader, or write one',
        command: 'run-foreign --loader PACKAGE FILE',
      },
      {
        when: 'unseal was given a file that is not sealed',
        remedy: 'use it as it is',
      },
    ],
    example: {
      prepare: ['echo hello > notes', 'chmod +x notes'],
      command: 'run-foreign ./notes',
      message: 'run-foreign: ./notes: is in no format that run-foreign knows (elf, ...)',
    },
    reading: ['formats.md', 'writing-a-loader.md'],
  },
  AMBIGUOUS_FORMAT: {
    summary: 'several loaders claim the file',
    meaning:
      'Two or more loaders are equally certain that the file is theirs. Whichever were taken, a file could be made that means ' +
      'something else to whoever looked at it before, so nobody guesses.',
    causes: [
      {
        when: 'a loader from elsewhere claims more than its format',
        remedy: 'say which is meant, or leave that loader out',
        command: 'run-foreign --format NAME PROGRAM',
      },
      {
        when: 'the file was made to be of two formats',
        remedy: 'see what each makes of it before you say which',
        command: 'run-foreign inspect --format NAME PROGRAM',
      },
    ],
    example: {
      prepare: [
        "for n in one two; do echo \"export default { name: '$n', apiVersion: 1, kind: 'program'," +
          " description: '', magics: [], probe: () => 'exact', load() {} };\" > $n.js; done",
        'echo hello > notes; chmod +x notes',
      ],
      command: 'run-foreign --loader ./one.js --loader ./two.js ./notes',
      message: 'run-foreign: ./notes: is claimed by the loaders one and two; say which with --format one',
    },
    reading: ['loader-contract.md#three-verdicts'],
  },
  INTERPRETER_MISSING: {
    summary: 'the program that runs such files is not installed',
    meaning:
      'The format is known, and programs in it are run by another program (QEMU for other processors, java for JAR files), which is not in PATH.',
    causes: [
      {
        when: 'it is not installed',
        remedy: 'install what the message names; check shows what is there',
        command: 'run-foreign check qemu java',
      },
      {
        when: 'it is installed where PATH does not lead, or --env has set another PATH',
        remedy: 'put its directory into PATH',
        command: 'PATH=DIRECTORY:$PATH run-foreign PROGRAM',
      },
      {
        when: '--gdb was given, and there is no debugger',
        remedy: 'install gdb; for another machine, gdbserver',
        command: 'run-foreign check gdb',
      },
    ],
    example: {
      prepare: [
        'cp samples/elf/x86_64/tally-static arm',
        // e_machine becomes EM_AARCH64.
        "printf '\\267' | dd of=arm bs=1 seek=18 conv=notrunc status=none",
      ],
      command: 'run-foreign --env PATH=/nowhere ./arm',
      message:
        'run-foreign: ./arm: is a program for aarch64, and qemu-aarch64, which runs such programs, is not in PATH; ' +
        'it is part of QEMU, on Debian in the package qemu-user',
    },
    reading: ['formats.md#qemu', 'formats.md#java'],
  },
} as const satisfies Record<string, Explanation>;
