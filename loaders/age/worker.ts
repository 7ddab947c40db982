/** The second thread: the build makes it a bundle beside the command's. Plaintext stays in no memory of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { Chunks, openChunkInto } from './chunks.ts';
import { collectChunks } from './garbage.ts';
import { type Job, type ThreadData, takeChunks } from './share.ts';

const { control, key, sealed, sealedSize } = workerData as ThreadData;
const chunks = new Chunks(0, sealedSize);

parentPort?.on('message', (job: Job) => {
  takeChunks(control, job, (place) => openChunkInto(job.target, { chunks, key, sealed, ...job, place }));
  collectChunks();
});
