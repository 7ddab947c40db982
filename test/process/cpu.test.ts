/** Which processors a process can go on with. */
import { describe, expect, it } from 'vitest';
import { checkCpu, fittingXstate, missingFlags } from '../../src/process/cpu.ts';
import { componentsEnabled, componentsInUse } from '../../src/process/xstate.ts';

const INTEL = { flags: ['sse2', 'avx', 'avx512f', 'pku'], vendor: 'GenuineIntel' };

/** XSAVE state of so many bytes, with components in use of those that the processor had. */
function xstate(size: number, used: bigint, enabled: bigint): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(464, enabled, true);
  view.setBigUint64(512, used, true);
  return bytes;
}

describe('instructions', () => {
  it('are those that programs can use, not those of the kernel', () => {
    expect(missingFlags(['sse2', 'avx2', 'smep', 'xsaves', 'arat', 'bmi2'], INTEL)).toEqual(['avx2', 'bmi2']);
  });

  it('are named when the processor lacks them', () => {
    expect(() => checkCpu(['avx2', 'fma'], INTEL)).toThrow(
      'it lacks avx2 fma, which the process may be using',
    );
    expect(() => checkCpu([], INTEL)).not.toThrow();
  });
});

describe('registers', () => {
  it('stay as they are on the same kind of processor', () => {
    const state = xstate(2696, 0x2e7n, 0x2e7n);
    expect(fittingXstate(state, INTEL)).toBe(state);
  });

  it('without use leave no trace of a processor that had more', () => {
    const state = xstate(2696, 7n, 0x2e7n);
    expect(fittingXstate(state, { flags: ['avx'], vendor: 'AuthenticAMD' })).toBe(state);
  });

  it('that the processor lacks are refused when they are in use', () => {
    const state = xstate(2696, 0xe7n, 0xe7n);
    state[1200] = 1;
    expect(() => fittingXstate(state, { ...INTEL, flags: ['avx'] })).toThrow('it was using AVX-512');
  });

  it('of another layout are refused, too', () => {
    const state = xstate(2440, 0xe7n, 0x2e7n);
    state[1200] = 1;
    expect(() => fittingXstate(state, INTEL)).toThrow('it was using registers that lie elsewhere here');
  });

  it('that hold nothing are left out', () => {
    const fitting = fittingXstate(xstate(2696, 0x17n, 0x1fn), INTEL);
    expect(fitting && [componentsInUse(fitting), componentsEnabled(fitting)]).toEqual([7n, 7n]);
    const older = fittingXstate(xstate(832, 7n, 7n), { flags: ['sse2'], vendor: 'AuthenticAMD' });
    expect(older && [componentsInUse(older), componentsEnabled(older)]).toEqual([3n, 3n]);
    const state = xstate(832, 7n, 7n);
    state[600] = 1;
    expect(() => fittingXstate(state, { flags: ['sse2'], vendor: 'AuthenticAMD' })).toThrow(
      'it was using AVX',
    );
  });

  it('for protection keys are left out where nobody has set them', () => {
    const state = xstate(2696, 0x207n, 0x2e7n);
    new DataView(state.buffer).setUint32(2688, 0x5555_5554, true);
    const fitting = fittingXstate(state, { ...INTEL, flags: ['avx'] });
    expect(fitting && [componentsInUse(fitting), componentsEnabled(fitting)]).toEqual([7n, 7n]);
    const changed = Uint8Array.from(state);
    changed[2688] = 0;
    expect(() => fittingXstate(changed, { ...INTEL, flags: ['avx'] })).toThrow('protection keys');
  });
});
