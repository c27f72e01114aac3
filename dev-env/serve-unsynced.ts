import { decideConfig } from '../server/config/config.ts';
import { startServer } from '../server/main.ts';

/**
 * A server whose database does not sync its commits: what the test of the syncs must notice. Takes port and data folder as
 * the town hands them over.
 */
const flag = (name: string): string => process.argv[process.argv.indexOf(name) + 1] ?? '';
const config = decideConfig({ port: flag('--port'), data: flag('--data'), logLevel: 'silent' });
const running = await startServer(config, { synchronous: 'NORMAL' });
console.log(`Reveille is listening on ${running.origin}`);
process.on('SIGTERM', () => {
  running.stop().then(() => process.exit(0), console.error);
});
