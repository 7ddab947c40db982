import { testRandomFiles } from './shard.ts';

testRandomFiles();
