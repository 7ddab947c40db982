/**
 * The XSAVE state of a thread, as ptrace gives it (NT_X86_XSTATE) and as rt_sigreturn takes it. Both are the standard form
 * of Intel SDM volume 1, 13.4: the legacy area (512 bytes), a header that says in XSTATE_BV what is in use, and the components where
 * the processor puts them. In the legacy area's software bytes ptrace leaves XCR0, and a signal frame has struct
 * _fpx_sw_bytes (asm/sigcontext.h).
 */
import type { ThreadState } from '../image/process-state.ts';

export const XSAVE = {
  legacySize: 512,
  headerSize: 64,
  /** Of XSTATE_BV and of XCR0 in the software bytes. */
  xstate_bv: 512,
  sw_reserved: 464,
  align: 64n,
} as const;

/** x87, SSE and AVX: where they are no processor may choose. */
const FIXED_COMPONENTS = 0b111n;
const AVX = 1n << 2n;
const FIXED_SIZE = XSAVE.legacySize + XSAVE.headerSize;
const AVX_SIZE = 256;
/** A process must ask for it (arch_prctl, ARCH_REQ_XCOMP_PERM); without, a frame may not even have room for it. */
const XTILE_DATA = 1n << 18n;
/** Where it begins: it is the last component there is, on every processor that has it. */
const XTILE_DATA_AT = 2816;

const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
const MAGIC2_SIZE = 4;

/** What is in use (XSTATE_BV) of a state. */
export function componentsInUse(xstate: Uint8Array): bigint {
  return viewOf(xstate).getBigUint64(XSAVE.xstate_bv, true);
}

/** XCR0: what the processor it was taken on could save. */
export function componentsEnabled(xstate: Uint8Array): bigint {
  return viewOf(xstate).getBigUint64(XSAVE.sw_reserved, true);
}

/** XTILE_CFG and XTILE_DATA, the last there are, and where those before them end on processors that have them. */
const TILES = 0b11n << 17n;
const BEFORE_TILES = { withPkru: 2696, without: 2688 };
const PKRU = 1n << 9n;

/** Without tiles nobody uses, which are 8 KiB of zeros, and which debuggers of 2023 do not know. */
export function withoutUnusedTiles(xstate: Uint8Array): Uint8Array {
  if (xstate.length <= XTILE_DATA_AT || (componentsInUse(xstate) & TILES) !== 0n) return xstate;
  const enabled = componentsEnabled(xstate) & ~TILES;
  const size = (enabled & PKRU) === 0n ? BEFORE_TILES.without : BEFORE_TILES.withPkru;
  const bytes = Uint8Array.from(xstate.subarray(0, size));
  viewOf(bytes).setBigUint64(XSAVE.sw_reserved, enabled, true);
  return bytes;
}

/** The state as a signal frame has it, without what is not in use at its end. */
export function xstateForFrame({ xstate, fpregs }: Pick<ThreadState, 'xstate' | 'fpregs'>): Uint8Array {
  if (xstate === undefined) {
    const legacy = Uint8Array.from(fpregs);
    // No magic: the kernel takes it for the legacy area alone.
    legacy.fill(0, XSAVE.sw_reserved);
    return legacy;
  }
  const { size, features } = sizeInUse(xstate);
  const bytes = new Uint8Array(size + MAGIC2_SIZE);
  bytes.set(xstate.subarray(0, size));
  bytes.fill(0, XSAVE.sw_reserved, XSAVE.legacySize);
  const view = viewOf(bytes);
  view.setUint32(XSAVE.sw_reserved, FP_XSTATE_MAGIC1, true);
  view.setUint32(XSAVE.sw_reserved + 4, size + MAGIC2_SIZE, true);
  view.setBigUint64(XSAVE.sw_reserved + 8, features, true);
  view.setUint32(XSAVE.sw_reserved + 16, size, true);
  view.setUint32(size, FP_XSTATE_MAGIC2, true);
  return bytes;
}

function sizeInUse(xstate: Uint8Array): { size: number; features: bigint } {
  const used = componentsInUse(xstate);
  const enabled = componentsEnabled(xstate);
  if ((used & ~FIXED_COMPONENTS) === 0n) {
    const features = enabled & FIXED_COMPONENTS;
    return { size: Math.min(xstate.length, FIXED_SIZE + ((features & AVX) === 0n ? 0 : AVX_SIZE)), features };
  }
  if ((used & XTILE_DATA) !== 0n || xstate.length <= XTILE_DATA_AT)
    return { size: xstate.length, features: enabled };
  return { size: XTILE_DATA_AT, features: enabled & ~XTILE_DATA };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
