/** The samples that need the libc of i386 (Debian: libc6-i386), started in every way: see sample-runs.ts. */
import { describeSamples, samples } from './sample-runs.ts';

describeSamples(samples.filter(({ needs = [] }) => needs.includes('i386-libc')));
