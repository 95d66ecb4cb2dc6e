// The pass-through in a process of its own, so that its memory can be measured. Started with the homeserver's URL; says
// `{port}` when it listens and `{rss, peak}`, in bytes, whenever it is told anything.

import { startGateway } from './raw-http.ts';

const gateway = await startGateway(process.argv[2] ?? '');
process.on('message', () => {
  process.send?.({ rss: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: gateway.port });
