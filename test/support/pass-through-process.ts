// The pass-through in a process of its own, so that its memory can be measured. Started with the homeserver's URL; says
// `{port}` when it listens and `{rss, peak}`, in bytes, whenever it is told anything.

import { keepMemoryFlat } from '../../src/operate/memory.ts';
import { readPeakMemory } from './peak-memory.ts';
import { startPassThrough } from './raw-http.ts';

// As the gateway's own process does.
keepMemoryFlat();
const gateway = await startPassThrough(process.argv[2] ?? '');
process.on('message', () => {
  process.send?.({ rss: process.memoryUsage.rss(), peak: readPeakMemory() });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: gateway.port });
