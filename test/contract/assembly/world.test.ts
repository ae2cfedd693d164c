import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type AwsWorld, startAwsWorld } from '../../../local/assembly/world.ts';
import { type AssemblyFixture, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { FakeTaskDriver } from '../../helpers/fake-task-driver.ts';
import { bundle, stackOf } from './world-stack.ts';

let world: AwsWorld;
let driver: FakeTaskDriver;
let assembly: AssemblyFixture;
const refusals: string[] = [];

beforeAll(async () => {
  assembly = await writeAssembly({ Ci: stackOf(await bundle()) });
  driver = new FakeTaskDriver();
  world = await startAwsWorld({
    assemblyDirectory: assembly.directory,
    taskDriver: driver,
    ports: { rest: 0 },
    log: (source, line) => {
      if (source === 'iam') refusals.push(line);
    },
  });
});

afterAll(async () => {
  await world?.close();
  await assembly?.[Symbol.asyncDispose]();
});

describe('a world stood up from an assembly', () => {
  it('carries a request through API, function, ECS, event, function and table', async () => {
    const launched = await fetch(`${world.restUrl}/tasks`, { method: 'POST' });
    expect(launched.status).toBe(202);
    const { id } = (await launched.json()) as { id: string };
    const url = `${world.restUrl}/tasks/${id.split('/').at(-1)}`;
    await driver.started(1);
    let shown = await fetch(url);
    while (shown.status === 404) shown = await fetch(url);
    expect([shown.status, await shown.text()]).toEqual([200, '127.64.0.2']);
  });

  it('carries a message from a WebSocket to a function, and its post back', async () => {
    const client = new WebSocket(world.websocketUrl ?? '');
    await once(client, 'open');
    client.send('hello');
    const [data] = await once(client, 'message');
    expect(String(data)).toBe('heard hello');
    client.close();
    await once(client, 'close');
  });

  it('lays each call to the function that made it', async () => {
    const response = await fetch(`${world.controlUrl}/requests`, {
      headers: { authorization: `Bearer ${world.controlToken}` },
    });
    const counted = JSON.stringify(await response.json());
    for (const name of ['Launch', 'Show', 'Hear', 'Talk'])
      expect(counted).toContain(world.deployment.functionNamed(name).functionName);
    for (const action of ['$connect', '$default', 'PostToConnection'])
      expect(counted).toContain(`"${action}"`);
  });

  it('shows an event that a function gave up in its queue', async () => {
    world.functions.invokeAsync(world.deployment.functionNamed('Fail').functionName, { id: 7 });
    const messages = async () => {
      const response = await fetch(`${world.controlUrl}/queues`, {
        headers: { authorization: `Bearer ${world.controlToken}` },
      });
      const { queues } = (await response.json()) as { queues: { messages: { body: unknown }[] }[] };
      return queues.flatMap((queue) => queue.messages.map(({ body }) => body));
    };
    await expect.poll(messages, { timeout: 10_000 }).toMatchObject([
      {
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
        requestPayload: { id: 7 },
        responsePayload: { errorType: 'TypeError', errorMessage: 'as asked' },
      },
    ]);
  });

  it('refuses what a function’s role does not grant, and names the statement that is missing', async () => {
    expect(refusals).toEqual([]);
    const id = { pathParameters: { id: 'x' } };
    await expect(world.invokeOperator('Show', id)).resolves.toMatchObject({ statusCode: 404 });
    const refused = world.invokeOperator('Peek', id);
    await expect(refused).rejects.toThrow(
      /^AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role\/Ci-Writes-\w+\/Ci-Peek-\w+ is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:\S+ because no identity-based policy allows the dynamodb:GetItem action$/,
    );
    expect(refusals.splice(0)).toEqual([
      expect.stringMatching(
        /^Ci-Peek-\w+ may not dynamodb:GetItem; its role lacks the statement \{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:[^"]+"\}, with dynamodb:leadingkeys=x$/,
      ),
    ]);
  });

  it('lets an operator invoke a function by its logical id, and throws what it throws', async () => {
    await expect(world.invokeOperator('Fail', {})).rejects.toThrow('TypeError: as asked');
    await expect(world.invokeOperator('Nobody', {})).rejects.toThrow(
      /no function is called Nobody/,
    );
  });
});

describe('a world that ends', () => {
  it('tells its WebSockets that it goes away', async () => {
    const ending = await startAwsWorld({
      assemblyDirectory: assembly.directory,
      taskDriver: new FakeTaskDriver(),
      ports: { rest: 0 },
      log: () => {},
    });
    const client = new WebSocket(ending.websocketUrl ?? '');
    await once(client, 'open');
    const closed = once(client, 'close');
    await ending.close();
    expect((await closed)[0]).toBe(1001);
  });
});

describe('a world that cannot stand', () => {
  it('leaves nothing listening and names what stopped it', async () => {
    await using assembly = await writeAssembly({
      Ci: { template: { Resources: { A: { Type: 'AWS::RDS::DBInstance' } } } },
    });
    const start = startAwsWorld({
      assemblyDirectory: assembly.directory,
      taskDriver: new FakeTaskDriver(),
      ports: { rest: 0 },
      log: () => {},
    });
    await expect(start).rejects.toThrow(/AWS::RDS::DBInstance/);
  });
});
