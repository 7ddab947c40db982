/** The machines that programs are emitted for. */
import type { Arch } from '../image/image.ts';
import { machine as i386 } from './i386.ts';
import type { Machine } from './machine.ts';
import { machine as x86_64 } from './x86_64.ts';

export const MACHINES: Readonly<Record<Arch, Machine>> = { x86_64, i386 };
