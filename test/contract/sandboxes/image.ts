/**
 * The smallest image that shows something: its agent runs, as root inside, the Python that it is sent
 * over its socket, and answers with what that printed.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskSpec } from '../../../local/sandboxes/driver.ts';

const AGENT = `
import os, socket, subprocess
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ['AGENT_SOCKET'])
server.listen()
while True:
    connection, _ = server.accept()
    if os.fork(): connection.close(); continue
    code = b''.join(iter(lambda: connection.recv(65536), b''))
    done = subprocess.run(['/usr/bin/python3', '-I', '-'], input=code, capture_output=True)
    connection.sendall(done.stdout + done.stderr)
    os._exit(0)
`;

export interface TestPlace extends Disposable {
  readonly runDirectory: string;
  readonly imageDirectory: string;
  spec(changes?: Partial<TaskSpec>): TaskSpec;
}

export function makePlace(mode = 0o755): TestPlace {
  const base = mkdtempSync(join(tmpdir(), 'sandboxes-'));
  chmodSync(base, mode);
  const imageDirectory = join(base, 'image');
  mkdirSync(imageDirectory);
  writeFileSync(join(imageDirectory, 'agent.py'), AGENT);
  writeImage(imageDirectory, ['/usr/bin/python3', '-I', '/opt/agent/agent.py']);
  return {
    runDirectory: join(base, 'run'),
    imageDirectory,
    spec: (changes = {}) => ({
      id: newTaskId(),
      taskArn: 'arn:aws:ecs:local:000000000000:task/test',
      vcpu: 1,
      memoryMb: 256,
      diskGb: 20,
      environment: {},
      internet: false,
      imageDirectory,
      ...changes,
    }),
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
}

export function writeImage(directory: string, entrypoint: readonly string[]): void {
  const manifest = {
    version: 1,
    binds: [{ from: 'agent.py', to: '/opt/agent/agent.py', rootOnly: true }],
    entrypoint,
    environment: { PATH: '/usr/bin:/bin', FROM_IMAGE: 'image', FROM_BOTH: 'image' },
  };
  writeFileSync(join(directory, 'image.json'), JSON.stringify(manifest));
}

function newTaskId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

/** Runs Python inside a task and answers with all that it printed. */
export async function ask(address: string, code: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: address, port: 49983, allowHalfOpen: true });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.once('end', () => resolve(answer.trim()));
  socket.once('error', reject);
  socket.end(code);
  return promise.finally(() => socket.destroy());
}

/** The same as the user that user code runs as. */
export function asUser(code: string): string {
  return `import os\nos.setgroups([]); os.setresgid(1000, 1000, 1000); os.setresuid(1000, 1000, 1000)\n${code}`;
}
