/** The part of elfy that is used here; the package has no types of its own. */
declare module 'elfy' {
  export interface ElfHeader {
    class: '32' | '64';
    type: string | undefined;
    machine: string | undefined;
    entry: number;
    phoff: number;
    phentsize: number;
    phnum: number;
  }

  export interface ProgramHeader {
    /** undefined for a type that elfy has no name for. */
    type: string | undefined;
    offset: number;
    vaddr: number;
    filesz: number;
    memsz: number;
    align: number;
    flags: Partial<Record<'r' | 'w' | 'x', true>>;
  }

  class Parser {
    parseHeader(bytes: Uint8Array): ElfHeader;
    parsePrograms(bytes: Uint8Array, header: ElfHeader): ProgramHeader[];
  }

  const elfy: { Parser: typeof Parser };
  export default elfy;
}
