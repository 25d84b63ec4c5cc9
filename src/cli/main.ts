#!/usr/bin/env node
/** The executable. */
import { processIo } from './io.ts';
import { runCli } from './run-cli.ts';

// Whoever reads our output may have seen enough, as in "megaflow … | head".
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.exitCode = await runCli(process.argv.slice(2), processIo());
