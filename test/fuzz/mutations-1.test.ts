import { testMutations } from './shard.ts';

testMutations(0);
