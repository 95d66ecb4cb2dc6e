#!/usr/bin/env node
// The entry: how V8 keeps memory and compiled code is set before the gateway's code is loaded. What is run is command.ts.

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { keepMemoryFlat } from './operate/memory.ts';

keepMemoryFlat();
// Compiled code is kept beside the packages, where nobody else may write; where we may not either, there is none.
if (process.env['NODE_COMPILE_CACHE'] === undefined)
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/hindsync', import.meta.url)));

const { runCommand } = await import('./command.ts');
await runCommand(process.argv.slice(2));
