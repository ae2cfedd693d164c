/** Watched directories over the agent's own routes: their changes are the events of an execution. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FileWatch } from '../../../contract/agent/files.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ driver: 'plain', files: true });
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
});

async function folderOf(name: string): Promise<string> {
  const folder = join(agent.workspace, name);
  await mkdir(folder);
  return folder;
}
const ask = (path: string, more = {}) =>
  agent.call('POST', '/watches', { executionId: newId('ex'), path, ...more });
async function watch(path: string, more = {}): Promise<FileWatch> {
  const answer = await ask(path, more);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return FileWatch.parse(answer.body);
}
/** Until one of them, or the end. */
async function changesOf(id: string, last?: string): Promise<string[]> {
  const heard: string[] = [];
  for await (const event of agent.events(id)) {
    if (event.type === 'change') heard.push(`${event.change} ${event.path}`);
    if (last !== undefined && heard.at(-1) === last) break;
  }
  return heard;
}
const interrupt = (id: string) => agent.call('POST', `/executions/${id}/interrupt`);

it('tells changes in order, to whoever reads and reads again, until it is stopped', async () => {
  const folder = await folderOf('plain');
  const { executionId } = await watch('plain');
  await writeFile(join(folder, 'a'), 'x');
  await rename(join(folder, 'a'), join(folder, 'b'));
  await rm(join(folder, 'b'));
  const heard = await changesOf(executionId, 'remove b');
  expect(heard).toEqual(['create a', 'write a', 'rename a', 'create b', 'remove b']);
  await interrupt(executionId);
  expect(await changesOf(executionId)).toEqual(heard);
  const events = await Array.fromAsync(agent.events(executionId));
  expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'interrupted' });
});

it('tells of directories below it where that was asked for, and ends with its own', async () => {
  const folder = await folderOf('deep');
  await mkdir(join(folder, 'one'));
  const { executionId, recursive } = await watch('deep', { recursive: true });
  expect(recursive).toBe(true);
  await writeFile(join(folder, 'one/a'), '');
  await rm(folder, { recursive: true });
  expect(await changesOf(executionId)).toContain('create one/a');
  const events = await Array.fromAsync(agent.events(executionId));
  expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'ok' });
});

it('begins once however often it is asked', async () => {
  await folderOf('once');
  const body = { executionId: newId('ex'), path: 'once' };
  for (let again = 0; again < 2; again++)
    expect((await agent.call('POST', '/watches', body)).status).toBe(201);
  const other = await agent.call('POST', '/watches', { ...body, recursive: true });
  expect(AgentErrorBody.parse(other.body).code).toBe('IDEMPOTENCY_CONFLICT');
  await interrupt(body.executionId);
  await changesOf(body.executionId);
});

it.each([
  ['is not there', 'nowhere', 'FILE_NOT_FOUND'],
  ['lies outside', '/etc', 'VALIDATION_ERROR'],
  ['has too many below it', 'many', 'RESOURCE_LIMIT_ERROR'],
])('one that %s is refused', async (_, path, code) => {
  if (path === 'many') {
    const folder = await folderOf('many');
    await Promise.all(Array.from({ length: 513 }, (_, n) => mkdir(join(folder, String(n)))));
  }
  const answer = await ask(path, { recursive: true });
  expect(AgentErrorBody.parse(answer.body).code).toBe(code);
});

it('is one of 16 at most, and its end makes room', async () => {
  await folderOf('crowd');
  // The helper of one that was refused or stopped ends a little later.
  const begun = () => expect.poll(async () => (await ask('crowd')).status).toBe(201);
  const { executionId } = await watch('crowd');
  await Promise.all(Array.from({ length: 15 }, begun));
  const refused = AgentErrorBody.parse((await ask('crowd')).body);
  expect(refused.code).toBe('RESOURCE_LIMIT_ERROR');
  await interrupt(executionId);
  await begun();
});

it('ends, and says so, where it cannot tell all that has changed', async () => {
  await using small = await startAgent({
    driver: 'plain',
    files: true,
    env: { AGENT_OUTPUT_BYTES: '2000' },
  });
  const executionId = newId('ex');
  await small.call('POST', '/watches', { executionId, path: '.' });
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => writeFile(join(small.workspace, `file-${n}`), '')),
  );
  const { events, finished } = await small.result(executionId);
  expect(events.filter(({ type }) => type === 'change').at(-1)).toMatchObject({ change: 'lost' });
  expect(finished).toMatchObject({ outcome: 'error', exitCode: null });
});
