/** A front door with the Lambda stand-in behind it, and functions written on the spot. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { FrontDoor } from '../../../local/services/front-door/front-door.ts';
import type { DestinationRecord } from '../../../local/services/lambda/async-events.ts';
import type { LambdaServiceOptions } from '../../../local/services/lambda/lambda-service.ts';
import { LambdaService } from '../../../local/services/lambda/lambda-service.ts';
import type { FunctionDefinition } from '../../../local/services/lambda/types.ts';

/** Handler code that waits until the test opens the gate. */
export const awaitGate = (gate: string): string => `
  while (!(await import('node:fs')).existsSync(process.env.LAMBDA_TASK_ROOT + '/../${gate}')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }`;

export interface LogLine {
  readonly functionName: string;
  readonly requestId: string | undefined;
  readonly line: string;
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage(options: Partial<LambdaServiceOptions> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'lambda-'));
  const errors: unknown[] = [];
  const frontDoor = new FrontDoor({ onError: (error) => errors.push(error) });
  const endpointUrl = await frontDoor.listen();
  const lines: LogLine[] = [];
  const delivered: Array<{ destinationArn: string; record: DestinationRecord }> = [];
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((watcher) => watcher());
  const lambda = new LambdaService({
    region: 'eu-central-1',
    accountId: '000000000000',
    endpointUrl,
    log: (functionName, requestId, line) => {
      lines.push({ functionName, requestId, line });
      changed();
    },
    deliver: async (destinationArn, record) => {
      delivered.push({ destinationArn, record });
      changed();
    },
    ...options,
  });
  frontDoor.register(lambda);
  const connect = (): LambdaClient =>
    new LambdaClient({
      endpoint: endpointUrl,
      region: 'eu-central-1',
      credentials: frontDoor.issueCredentials('operator'),
      maxAttempts: 1,
    });
  const client = connect();

  return {
    frontDoor,
    lambda,
    client,
    connect,
    lines,
    delivered,
    errors,
    /** Writes the module and registers it. */
    async define(
      functionName: string,
      source: string,
      extra: Partial<FunctionDefinition> = {},
    ): Promise<void> {
      const codeDirectory = path.join(folder, functionName);
      await mkdir(codeDirectory);
      await writeFile(path.join(codeDirectory, 'index.mjs'), source);
      lambda.createFunction({
        functionName,
        codeDirectory,
        handler: 'index.handler',
        environment: {},
        timeoutSeconds: 10,
        memoryMb: 128,
        credentials: frontDoor.issueCredentials(functionName),
        ...extra,
      });
    },
    /** Resolves as soon as the condition holds; looked at whenever a line or a record comes. */
    async until(condition: () => boolean): Promise<void> {
      if (condition()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const watcher = (): void => {
        if (condition()) resolve();
      };
      watchers.add(watcher);
      await promise;
      watchers.delete(watcher);
    },
    /** Lets the functions go on that wait for this gate, see {@link awaitGate}. */
    async open(gate: string): Promise<void> {
      await writeFile(path.join(folder, gate), '');
    },
    async [Symbol.asyncDispose](): Promise<void> {
      client.destroy();
      await lambda.close();
      await frontDoor.close();
      await rm(folder, { recursive: true });
    },
  };
}
