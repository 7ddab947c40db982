/** Every sample that needs no library of another architecture, started in every way: see sample-runs.ts. */
import { describeSamples, samples } from './sample-runs.ts';

describeSamples(samples.filter(({ needs = [] }) => !needs.includes('i386-libc')));
