/** Processes that are written down, loaders, the command line, and ourselves. */
import type { Explanation } from './explanation.ts';

export const OTHERS = {
  PROCESS_NOT_FOUND: {
    summary: 'there is no such process',
    meaning: 'The process that was to be written down or copied has ended, or was never there.',
    causes: [
      {
        when: 'it has ended, or is a zombie that only waits for its parent',
        remedy: 'look for it by its name',
        command: 'pgrep -a NAME',
      },
      {
        when: 'it runs in a container, where its number is another',
        remedy: 'take its number here, or enter the container',
        command: 'grep NSpid /proc/*/status',
      },
    ],
    example: {
      command: 'run-foreign checkpoint 4194304 -o process.core',
      message: 'run-foreign: process 4194304: is not there, or has ended',
    },
    reading: ['checkpoints.md'],
  },
  PROCESS_REFUSED: {
    summary: 'the process cannot be written down',
    meaning:
      'The process is there, and cannot be made a checkpoint of: it has what no file can hold, or we may not look into it. It runs on unharmed.',
    causes: [
      {
        when: 'it has sockets, children, or a pipe to another process',
        remedy: 'see all that is in the way; --skip leaves some of it out',
        command: 'run-foreign checkpoint --check PID',
      },
      {
        when: 'it may not be traced: it is of another user, or Yama allows only parents to trace',
        remedy: 'do it as root; check says whether this machine allows it',
        command: 'run-foreign check ptrace',
      },
      {
        when: 'a debugger or strace has it',
        remedy: 'end that first',
        command: 'grep TracerPid /proc/PID/status',
      },
      {
        when: 'it is confidential, and would be written in the clear',
        remedy: 'say who can open the file',
        command: 'run-foreign checkpoint PID --seal RECIPIENT -o FILE',
      },
    ],
    example: {
      command: 'run-foreign checkpoint $$ -o shell.core',
      message:
        'run-foreign: process ...: cannot be checkpointed: ...; run-foreign checkpoint --check ... lists all; --skip ... leaves it out',
    },
    reading: ['checkpoints.md', 'checkpoints.md#what-may-be-left-out'],
  },
  LOADER_FAILED: {
    summary: 'a loader from elsewhere does not work',
    meaning:
      'A loader that was named with --loader, in RUN_FOREIGN_LOADERS or in the configuration cannot be compiled, throws, returns what no loader ' +
      "may return, or takes too long. It is not the file's fault.",
    causes: [
      {
        when: 'it has a mistake in its syntax, or imports what is not installed',
        remedy: 'correct it; the message has the line',
      },
      {
        when: 'it throws something else than a ForeignError, or returns no image',
        remedy: 'test it with the kit that comes with run-foreign',
        command: 'npm test',
      },
      {
        when: 'it takes longer than 30 seconds',
        remedy: 'allow more, if it may',
        command: 'run-foreign --loader-timeout 120 --loader FILE PROGRAM',
      },
      {
        when: 'the configuration names one that is not there any more',
        remedy: 'take it out of the configuration',
        command: 'cat ~/.config/run-foreign/run-foreign.config.json',
      },
    ],
    example: {
      prepare: ["echo 'export default {' > broken.js"],
      command: 'run-foreign --loader ./broken.js samples/elf/x86_64/tally-static',
      message:
        'run-foreign: .../broken.js: cannot be compiled: Expected identifier but found end of file (broken.js:2:1)',
    },
    reading: ['loader-contract.md#errors', 'testkit.md'],
  },
  USAGE: {
    summary: 'the command line is wrong',
    meaning:
      "An option, its value or an argument is not what the command takes. Options stand before PROGRAM; what follows it is the program's own. " +
      'Options may also come from variables that begin with RUN_FOREIGN_.',
    causes: [
      {
        when: 'an option is misspelt, or belongs to another command',
        remedy: 'see what the command takes',
        command: 'run-foreign help COMMAND',
      },
      {
        when: 'a variable of the environment says something that no option may',
        remedy: 'see which are set',
        command: 'env | grep ^RUN_FOREIGN_',
      },
      {
        when: 'a program is called like a command of ours',
        remedy: 'write -- before it',
        command: 'run-foreign -- PROGRAM',
      },
      {
        when: 'a file that an option names cannot be read',
        remedy: 'see its permissions; the message has its name',
        command: 'ls -l FILE',
      },
    ],
    example: {
      command: 'run-foreign --no-such-option ./program',
      message: 'run-foreign: unknown option: --no-such-option; see run-foreign --help',
    },
    reading: ['command.md'],
  },
  INTERNAL: {
    summary: 'run-foreign itself has failed',
    meaning:
      "Something happened that should not be able to happen, or output could not be written. It is not the program's fault.",
    causes: [
      {
        when: 'the disk is full, or standard output is closed',
        remedy: 'see whether there is room',
        command: 'df -h .',
      },
      {
        when: 'there is a mistake in run-foreign ("internal error")',
        remedy: 'report it, with what this prints',
        command: 'RUN_FOREIGN_VERBOSE=1 run-foreign PROGRAM',
      },
    ],
    example: {
      command: 'run-foreign --version > /dev/full',
      message: 'run-foreign: cannot write to standard output: ENOSPC',
    },
    reading: ['ARCHITECTURE.md'],
  },
} as const satisfies Record<string, Explanation>;
