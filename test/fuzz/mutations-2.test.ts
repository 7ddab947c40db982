import { testMutations } from './shard.ts';

testMutations(1);
