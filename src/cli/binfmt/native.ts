/**
 * Files that Linux runs by itself here and that no entry of ours may take: ELF programs for x86-64, x32 and i386, and
 * scripts. binfmt_misc is asked before both (insert_binfmt in fs/binfmt_misc.c), so an entry that matched them would take every
 * program of the machine, also the one that could undo it. What counts is what an entry can match, and not who made it.
 */
import { type Pattern, relation } from './pattern.ts';

/** gABI, "ELF Header"; numbers as in <linux/elf.h> and <linux/elf-em.h>. */
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const E_TYPE = 16;
const [ET_EXEC, ET_EXEC_OR_DYN] = [2, 0xfe];
/** arch/x86/include/asm/elf.h: elf_check_arch, elf_check_arch_ia32; x32 programs have EM_X86_64, and no class is asked for. */
const MACHINES = { 'x86-64': 62, i386: 3 } as const;

/** load_elf_binary looks at the magic, the type and the machine; all between may be anything. */
function elfPattern(machine: number): Pattern {
  const bytes = Buffer.alloc(E_TYPE + 4);
  const mask = Buffer.alloc(E_TYPE + 4);
  bytes.set(ELF_MAGIC);
  mask.fill(0xff, 0, ELF_MAGIC.length);
  bytes.writeUInt16LE(ET_EXEC, E_TYPE);
  mask.set([ET_EXEC_OR_DYN, 0xff], E_TYPE);
  bytes.writeUInt16LE(machine, E_TYPE + 2);
  mask.fill(0xff, E_TYPE + 2);
  return { offset: 0, bytes, mask };
}

const NATIVE: readonly { readonly what: string; readonly pattern: Pattern }[] = [
  ...Object.entries(MACHINES).map(([name, machine]) => ({
    what: `ELF programs for ${name}`,
    pattern: elfPattern(machine),
  })),
  {
    what: 'scripts that begin with #!',
    pattern: { offset: 0, bytes: Buffer.from('#!'), mask: Buffer.from([0xff, 0xff]) },
  },
];

/** Which files that Linux runs itself a pattern matches, if there can be one. */
export function takesOverNative(pattern: Pattern): string | undefined {
  return NATIVE.find((native) => relation(pattern, native.pattern) !== 'none in common')?.what;
}
