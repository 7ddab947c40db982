/**
 * Makes programs in the __NAME__ format. Their machine code stands here byte for byte, so that no assembler is needed.
 * `npm run samples` writes them beside this file, to be run by hand; the tests take them from memory.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HEADER_SIZE = 40;
const LOAD_ADDRESS = 0x400000n;

/**
 * A file of the format. A field that is not given says what is so.
 *
 * @param {Uint8Array} code
 * @param {Uint8Array} data
 * @param {{ version?: number, flags?: number, code_size?: number, data_size?: number, zero_size?: number,
 *   load_address?: bigint, entry?: bigint }} [fields]
 */
export function makeFile(code, data, fields = {}) {
  const header = Buffer.alloc(HEADER_SIZE);
  header.write('__MAGIC__', 0);
  header.writeUInt16LE(fields.version ?? 1, 8);
  header.writeUInt16LE(fields.flags ?? 0, 10);
  header.writeUInt32LE(fields.code_size ?? code.length, 12);
  header.writeUInt32LE(fields.data_size ?? data.length, 16);
  header.writeUInt32LE(fields.zero_size ?? 0, 20);
  header.writeBigUInt64LE(fields.load_address ?? LOAD_ADDRESS, 24);
  header.writeBigUInt64LE(fields.entry ?? LOAD_ADDRESS, 32);
  return Buffer.concat([header, code, data]);
}

/** @param {string[]} instructions In hexadecimal. */
const machineCode = (...instructions) => Buffer.from(instructions.join('').replaceAll(' ', ''), 'hex');

const message = Buffer.from('Hello from a new format\n');
const messageSize = message.length.toString(16).padStart(2, '0');

/** Writes a message and exits with status 42. */
export const hello = makeFile(
  machineCode(
    'b8 01 00 00 00', //                mov eax, 1              system call 1: write
    'bf 01 00 00 00', //                mov edi, 1              to standard output
    '48 8d 35 ef 0f 00 00', //          lea rsi, [rip + 0xfef]  what: the data, one page behind the code
    `ba ${messageSize} 00 00 00`, //    mov edx, messageSize    how many bytes
    '0f 05', //                         syscall
    'b8 3c 00 00 00', //                mov eax, 60             system call 60: exit
    'bf 2a 00 00 00', //                mov edi, 42             with this status
    '0f 05', //                         syscall
  ),
  message,
);

/** Writes each of its arguments on a line, and exits with their number as its status. */
export const args = makeFile(
  machineCode(
    // The stack of a new program: the number of arguments, their addresses, a zero, then the environment.
    '5b', //                            pop rbx                 how many, with the program's name
    '58', //                            pop rax                 the name, which is not written
    // next:
    '5e', //                            pop rsi                 the address of an argument
    '48 85 f6', //                      test rsi, rsi
    '74 20', //                         jz done
    '31 d2', //                         xor edx, edx            its length so far
    // count:
    '80 3c 16 00', //                   cmp byte [rsi + rdx], 0
    '74 04', //                         je write
    'ff c2', //                         inc edx
    'eb f6', //                         jmp count
    // write:
    'c6 04 16 0a', //                   mov byte [rsi + rdx], 10   a newline in the place of the zero
    'ff c2', //                         inc edx
    'b8 01 00 00 00', //                mov eax, 1
    'bf 01 00 00 00', //                mov edi, 1
    '0f 05', //                         syscall
    'eb da', //                         jmp next
    // done:
    '8d 7b ff', //                      lea edi, [rbx - 1]
    'b8 3c 00 00 00', //                mov eax, 60
    '0f 05', //                         syscall
  ),
  new Uint8Array(),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, bytes] of Object.entries({ hello, args })) {
    writeFileSync(new URL(`${name}.__NAME__`, import.meta.url), bytes, { mode: 0o755 });
  }
}
