/** The control port as this proof uses it: what functions ask for, and lives. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { controlPort, Endpoints } from '../shared/control-port.ts';
import { Problem } from '../shared/problem.ts';

const Requests = z.object({
  requests: z.array(
    z.object({ service: z.string(), action: z.string(), principal: z.string(), count: z.number() }),
  ),
});
const Executions = z.object({
  executions: z.array(z.object({ status: z.string(), name: z.string() })),
});

export async function readEndpoints(file: string): Promise<Endpoints> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Problem(
      `There is no ${file}: start a stack with \`npm start\`, or name its file with --endpoints.`,
    );
  });
  const parsed = Endpoints.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Problem(`${file} is not of a local stack: ${z.prettifyError(parsed.error)}`);
}

export type Control = ReturnType<typeof controlOf>;

export function controlOf(endpoints: Endpoints) {
  const { call, ...port } = controlPort(endpoints);
  return {
    ...port,
    requests: async () => (await call(Requests, 'GET', '/requests')).requests,
    resetRequests: () => call(z.unknown(), 'DELETE', '/requests'),
    runningLives: async () =>
      (await call(Executions, 'GET', '/executions')).executions
        .filter(({ status }) => status === 'RUNNING')
        .map(({ name }) => name),
  };
}
