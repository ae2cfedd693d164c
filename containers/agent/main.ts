/**
 * The agent's process: reads its configuration, serves, and ends with its sandbox. Owns the wiring
 * and the exit; must never exit while user code runs.
 */
import { AGENT_PROTOCOL } from '../../contract/agent/protocol.ts';
import { takeConfig } from './config.ts';
import { Log } from './log.ts';
import { AgentServer } from './server/http-server.ts';
import { openSandbox } from './wire.ts';

/** User code dies at once; this is for what the file system or a pipe may hold up. */
const EXIT_MS = 2_500;

async function main(): Promise<void> {
  const log = new Log((line) => process.stdout.write(line));
  // Whoever reads the log may go; the sandbox stays.
  process.stdout.on('error', () => undefined);
  process.on('unhandledRejection', (error) => {
    log.error('something failed that nobody waited for', { error: String(error) });
  });
  const config = takeConfig();
  const ending = { begun: false };
  const end = (why: string) => {
    if (ending.begun) return;
    ending.begun = true;
    log.info('the agent ends', { why });
    setTimeout(() => process.exit(0), EXIT_MS).unref();
    void sandbox.stopUserCode().finally(() => process.exit(0));
  };
  const sandbox = await openSandbox(config, log, () => end('the deadline has passed'));
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  const server = new AgentServer(sandbox);
  const { AGENT_HOST: host, AGENT_PORT: port, AGENT_SOCKET: socketPath } = config;
  const bound = await server.listen({ host, port, socketPath });
  log.info('the agent listens', { host, port: bound, protocol: AGENT_PROTOCOL });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
