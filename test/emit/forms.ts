/**
 * Every instruction form that X86 can emit, in both modes, with each kind of register that changes the
 * encoding, beside its text in Intel syntax. `as` forms are what GNU as makes of the text; for `objdump`
 * forms, where GNU as would choose a shorter encoding, the text is what objdump reads in our bytes.
 */
import { type Condition, type Memory, REG, type Register, type X86 } from '../../src/emit/x86.ts';

export interface Form {
  readonly bits: 32 | 64;
  readonly method: string;
  readonly text: string;
  readonly check: 'as' | 'objdump';
  readonly emit: (code: X86) => void;
}

export const formName = ({ bits, method, text }: Form): string => `${bits} ${method}: ${text}`;

type RegisterName = keyof typeof REG;
type Emit = (code: X86) => void;

const LOW = ['ax', 'cx', 'sp', 'bp', 'di'] as const;
const HIGH = ['r8', 'r12', 'r13', 'r15'] as const;
const NAMES = { 32: LOW, 64: [...LOW, ...HIGH] } as const;
const BOTH = [32, 64] as const;
const DISPLACEMENTS = [0, 8, 0x1234, -8] as const;

const isHigh = (name: RegisterName) => name.startsWith('r');
/** The name of the 32-bit and of the pointer-sized register. */
const dword = (name: RegisterName) => (isHigh(name) ? `${name}d` : `e${name}`);
const full = (bits: 32 | 64, name: RegisterName) =>
  bits === 32 ? dword(name) : isHigh(name) ? name : `r${name}`;
const hexOf = (bits: 32 | 64, value: number) => `0x${BigInt.asUintN(bits, BigInt(value)).toString(16)}`;

const all: Form[] = [];
const add = (bits: 32 | 64, method: string, check: Form['check'], text: string, emit: Emit) =>
  all.push({ bits, method, check, text, emit });

/** Registers in pairs, so that each kind stands on each side at least once. */
function pairs(bits: 32 | 64): [RegisterName, RegisterName][] {
  const names = NAMES[bits];
  const shifted = names.map((name, index): [RegisterName, RegisterName] => [
    name,
    names[(index + 2) % names.length] ?? name,
  ]);
  return [['ax', 'ax'], ...shifted];
}

/** Memory operands: every base with every displacement; absolute addresses in 32-bit mode. */
function memories(bits: 32 | 64): { memory: Memory; text: string }[] {
  const based = NAMES[bits].flatMap((name) =>
    DISPLACEMENTS.map((displacement) => ({
      memory: { base: REG[name], displacement },
      text: `[${full(bits, name)}${displacement < 0 ? '-' : '+'}${Math.abs(displacement)}]`,
    })),
  );
  return bits === 64 ? based : [...based, { memory: { address: 0x89abcdef }, text: 'ds:0x89abcdef' }];
}

function registerForms(bits: 32 | 64): void {
  const binary = { move: 'mov', add: 'add', and: 'and', subtract: 'sub', compare: 'cmp' } as const;
  for (const [to, from] of pairs(bits)) {
    for (const [method, mnemonic] of Object.entries(binary)) {
      add(bits, method, 'as', `${mnemonic} ${full(bits, to)}, ${full(bits, from)}`, (code) =>
        code[method as keyof typeof binary](REG[to], REG[from]),
      );
    }
    add(bits, 'multiply32', 'as', `imul ${dword(to)}, ${dword(from)}`, (code) =>
      code.multiply32(REG[to], REG[from]),
    );
  }
  for (const name of NAMES[bits]) {
    const [register, text] = [REG[name], full(bits, name)];
    add(bits, 'test', 'as', `test ${text}, ${text}`, (code) => code.test(register));
    add(bits, 'negate', 'as', `neg ${text}`, (code) => code.negate(register));
    add(bits, 'jumpRegister', 'as', `jmp ${text}`, (code) => code.jumpRegister(register));
    add(bits, 'shiftLeft', 'as', `shl ${text}, 4`, (code) => code.shiftLeft(register, 4));
    add(bits, 'shiftLeft', 'objdump', `shl ${text},0x1`, (code) => code.shiftLeft(register, 1));
    add(bits, 'shiftRight', 'as', `shr ${text}, 28`, (code) => code.shiftRight(register, 28));
  }
}

function immediateForms(bits: 32 | 64): void {
  for (const name of NAMES[bits]) {
    const move = (value: bigint, text: string) =>
      add(bits, 'moveImmediate', 'as', text, (code) => code.moveImmediate(REG[name], value));
    move(0n, `xor ${dword(name)}, ${dword(name)}`);
    for (const value of [1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn])
      move(value, `mov ${dword(name)}, ${value}`);
    if (bits === 64)
      for (const value of [0x1_0000_0000n, 0x7fff_ffff_f000n, -1n, -4096n, -(1n << 63n)])
        move(value, `movabs ${full(bits, name)}, ${value}`);
    else for (const value of [-1n, -4096n]) move(value, `mov ${dword(name)}, ${value}`);
    // GNU as has a shorter form for ax, and for everything that fits a byte.
    const group = { addImmediate: 'add', andImmediate: 'and', compareImmediate: 'cmp' } as const;
    for (const [method, mnemonic] of Object.entries(group)) {
      for (const value of [1, -1, -16, -4096, 0x12345678]) {
        const short = name === 'ax' || (value >= -128 && value < 128);
        const text = short
          ? `${mnemonic} ${full(bits, name)},${hexOf(bits, value)}`
          : `${mnemonic} ${full(bits, name)}, ${value}`;
        add(bits, method, short ? 'objdump' : 'as', text, (code) =>
          code[method as keyof typeof group](REG[name], value),
        );
      }
    }
  }
}

function memoryForms(bits: 32 | 64): void {
  for (const { memory, text } of memories(bits)) {
    for (const name of ['ax', 'dx', ...(bits === 64 ? (['r9', 'r12'] as const) : [])] as const) {
      const register = REG[name];
      // For ax and an absolute address GNU as has a form without ModR/M.
      const check = name === 'ax' && 'address' in memory ? 'objdump' : 'as';
      const prefix = check === 'as' ? '{disp32} ' : '';
      const wide = full(bits, name);
      const join = check === 'as' ? ', ' : ',';
      const operand = check === 'as' ? text : `DWORD PTR ${text}`;
      add(bits, 'load', check, `${prefix}mov ${wide}${join}${operand}`, (code) =>
        code.load(register, memory),
      );
      add(bits, 'store', check, `${prefix}mov ${operand}${join}${wide}`, (code) =>
        code.store(memory, register),
      );
      const always = (method: string, line: string, emit: Emit) =>
        add(bits, method, 'as', `{disp32} ${line}`, emit);
      if (name === 'ax') {
        always('jumpMemory', `jmp ${bits === 64 ? 'qword' : 'dword'} ptr ${text}`, (code) =>
          code.jumpMemory(memory),
        );
        always('lockIncrement32', `lock inc dword ptr ${text}`, (code) => code.lockIncrement32(memory));
        always('lockDecrement32', `lock dec dword ptr ${text}`, (code) => code.lockDecrement32(memory));
      }
      always('addFrom', `add ${wide}, ${text}`, (code) => code.addFrom(register, memory));
      always('addTo', `add ${text}, ${wide}`, (code) => code.addTo(memory, register));
      always('loadByte', `movzx ${dword(name)}, byte ptr ${text}`, (code) => code.loadByte(register, memory));
      always('loadWord16', `movzx ${dword(name)}, word ptr ${text}`, (code) =>
        code.loadWord16(register, memory),
      );
    }
    for (const name of ['cx', 'dx', ...(bits === 64 ? (['r9'] as const) : [])] as const)
      add(bits, 'load32', 'as', `{disp32} mov ${dword(name)}, dword ptr ${text}`, (code) =>
        code.load32(REG[name], memory),
      );
    for (const name of ['cx', 'di', ...(bits === 64 ? (['r9'] as const) : [])] as const)
      add(bits, 'storeLow32', 'as', `{disp32} mov dword ptr ${text}, ${dword(name)}`, (code) =>
        code.storeLow32(memory, REG[name]),
      );
    for (const [name, byte] of [
      ['cx', 'cl'],
      ['bx', 'bl'],
    ] as const)
      add(bits, 'storeByte', 'as', `{disp32} mov byte ptr ${text}, ${byte}`, (code) =>
        code.storeByte(memory, REG[name]),
      );
    for (const value of [0, -1, 0x12345678])
      add(bits, 'store32', 'as', `{disp32} mov dword ptr ${text}, ${value}`, (code) =>
        code.store32(memory, value),
      );
  }
}

function indexedForms(bits: 32 | 64): void {
  const scale = bits / 8;
  const indices: readonly RegisterName[] =
    bits === 64 ? ['ax', 'bp', 'r8', 'r12', 'r13'] : ['ax', 'bp', 'di'];
  const registers: readonly RegisterName[] = bits === 64 ? ['dx', 'r15'] : ['dx'];
  for (const index of indices) {
    for (const name of registers) {
      const register: Register = REG[name];
      for (const base of NAMES[bits]) {
        const text = `{disp32} mov [${full(bits, base)}+${full(bits, index)}*${scale}+16], ${full(bits, name)}`;
        add(bits, 'storeIndexed', 'as', text, (code) =>
          code.storeIndexed({ base: REG[base], displacement: 16 }, REG[index], register),
        );
      }
      if (bits === 64) continue;
      add(
        bits,
        'storeIndexed',
        'as',
        `mov [${full(bits, index)}*4+0x89abcdef], ${full(bits, name)}`,
        (code) => code.storeIndexed({ address: 0x89abcdef }, REG[index], register),
      );
    }
  }
}

function jumpForms(bits: 32 | 64): void {
  const forward = (jump: (code: X86, to: ReturnType<X86['label']>) => void) => (code: X86) => {
    const label = code.label();
    jump(code, label);
    code.return();
    code.place(label);
  };
  const backward = (jump: (code: X86, to: ReturnType<X86['label']>) => void) => (code: X86) => {
    const label = code.label();
    code.place(label);
    code.return();
    jump(code, label);
  };
  const both = (
    method: string,
    mnemonic: string,
    jump: (code: X86, to: ReturnType<X86['label']>) => void,
  ) => {
    add(bits, method, 'as', `{disp32} ${mnemonic} 1f; ret; 1:`, forward(jump));
    add(bits, method, 'as', `1: ret; {disp32} ${mnemonic} 1b`, backward(jump));
  };
  both('jump', 'jmp', (code, to) => code.jump(to));
  const conditions: Record<Condition, string> = {
    below: 'jb',
    aboveOrEqual: 'jae',
    equal: 'je',
    notEqual: 'jne',
    belowOrEqual: 'jbe',
    above: 'ja',
  };
  for (const [condition, mnemonic] of Object.entries(conditions))
    both('jumpIf', mnemonic, (code, to) => code.jumpIf(condition as Condition, to));
  if (bits === 32) {
    add(bits, 'jumpThrough', 'as', 'jmp dword ptr ds:0x89abcdef', (code) => code.jumpThrough(0x89abcdefn));
    return;
  }
  for (const distance of [0, 0x1000, -0x1000])
    add(bits, 'jumpThrough', 'as', `jmp qword ptr [rip+${distance}]`, (code) =>
      code.jumpThrough(code.here + 6n + BigInt(distance)),
    );
}

function plainForms(bits: 32 | 64): void {
  add(bits, 'systemCall', 'as', bits === 64 ? 'syscall' : 'int 0x80', (code) => code.systemCall());
  add(bits, 'stringsUp', 'as', 'cld', (code) => code.stringsUp());
  add(bits, 'stringsDown', 'as', 'std', (code) => code.stringsDown());
  add(bits, 'repeatMoveBytes', 'as', 'rep movsb', (code) => code.repeatMoveBytes());
  add(bits, 'repeatCompareBytes', 'as', 'repe cmpsb', (code) => code.repeatCompareBytes());
  add(bits, 'repeatStoreBytes', 'as', 'rep stosb', (code) => code.repeatStoreBytes());
  add(bits, 'popFlags', 'as', bits === 64 ? 'popfq' : 'popf', (code) => code.popFlags());
  add(bits, 'return', 'as', 'ret', (code) => code.return());
  add(bits, 'raw', 'as', '.ascii "raw"', (code) => code.raw(Buffer.from('raw')));
}

for (const bits of BOTH) {
  registerForms(bits);
  immediateForms(bits);
  memoryForms(bits);
  indexedForms(bits);
  jumpForms(bits);
  plainForms(bits);
}

export const FORMS: readonly Form[] = all;
