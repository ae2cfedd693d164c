import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { AgentContext } from '../../../contract/agent/contexts.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { type Answer, formOf, newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

const errorCode = (answer: Answer) => AgentErrorBody.parse(answer.body).code;
const waitFor = (name: string) =>
  `import os, time\nwhile not os.path.exists("${name}"): time.sleep(0.002)`;
const List = z.object({ items: z.array(AgentContext) });

describe('the contexts of a sandbox', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', init: { env: { FROM_INIT: 'i' } } });
  });
  afterEach(async () => {
    for (const { id } of await list()) await agent.call('DELETE', `/contexts/${id}`);
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const create = async (fields: object = {}): Promise<AgentContext> => {
    const body = { contextId: newId('cx'), language: 'python', ...fields };
    const answer = await agent.call('POST', '/contexts', body);
    expect(answer.status).toBe(201);
    return AgentContext.parse(answer.body);
  };
  const list = async () => List.parse((await agent.call('GET', '/contexts')).body).items;
  const value = async (code: string, contextId?: string) =>
    formOf((await agent.run(code, contextId === undefined ? {} : { contextId })).results[0]);
  const touch = (name: string) => writeFile(join(agent.workspace, name), '');

  it('keep what each was given, apart from each other and from the default one', async () => {
    const [one, other] = [await create(), await create()];
    await agent.run('x = "default"');
    await agent.run('x = "one"', { contextId: one.id });
    await agent.run('x = "other"', { contextId: other.id });
    expect([await value('x'), await value('x', one.id), await value('x', other.id)]).toEqual([
      "'default'",
      "'one'",
      "'other'",
    ]);
    const all = (await list()).toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault));
    expect(all).toMatchObject([
      { language: 'python', isDefault: true, status: 'idle', executionCount: 2, queued: 0 },
      { id: one.id, isDefault: false, executionCount: 2 },
      { id: other.id, isDefault: false, executionCount: 2 },
    ]);
  });

  it('have an environment and a directory of their own, for all their runs', async () => {
    const { id } = await create({ env: { OWN: 'o', FROM_INIT: 'over' }, cwd: '/usr' });
    const show = 'import os; (os.environ["FROM_INIT"], os.environ.get("OWN"), os.getcwd())';
    expect(await value(show, id)).toBe("('over', 'o', '/usr')");
    await agent.run('os.chdir("/tmp")', { contextId: id });
    expect(await value(show, id)).toBe("('over', 'o', '/tmp')");
    expect(await value(show)).toBe(`('i', None, '${agent.workspace}')`);
    expect(JSON.stringify(await list())).not.toContain('over');
  });

  it('say at each run that their directory is not there', async () => {
    const { id } = await create({ cwd: '/no/such/folder' });
    for (let times = 0; times < 2; times += 1)
      expect((await agent.run('1', { contextId: id })).error?.name).toBe('FileNotFoundError');
  });

  it('have their interpreter ready from the second one on', async () => {
    const { id } = await create();
    await agent.run('1', { contextId: id });
    const ready = () =>
      agent.logLines.flatMap(
        (line) => /"an interpreter is ready".*"pid":(\d+)/.exec(line)?.[1] ?? [],
      );
    const pid = await value('import os; os.getpid()', id);
    // The one of this context, and the one after it.
    await vi.waitFor(() => expect(ready().at(-1)).not.toBe(pid), { interval: 2, timeout: 10_000 });
    const spare = ready().at(-1);
    const next = await create();
    expect(await value('import os; os.getpid()', next.id)).toBe(spare);
  });

  it('run at the same time', async () => {
    const { id } = await create();
    const first = await agent.start(waitFor('go'));
    const second = await agent.start('open("go", "w")', { contextId: id });
    for (const execution of [second, first])
      expect((await agent.result(execution)).finished.outcome).toBe('ok');
  });

  it('are made once for the same id and body, and refused with another body', async () => {
    const body = { contextId: newId('cx'), language: 'python', env: { A: '1', B: '2' } };
    const first = await agent.call('POST', '/contexts', body);
    const again = { ...body, env: { B: '2', A: '1' } };
    expect(await agent.call('POST', '/contexts', again)).toMatchObject({ body: first.body });
    const other = await agent.call('POST', '/contexts', { ...body, cwd: '/tmp' });
    expect([other.status, errorCode(other)]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
  });

  it('are 16 at the most, with the default one', async () => {
    await agent.run('1');
    const made = await Promise.all(Array.from({ length: 15 }, () => create()));
    const body = { contextId: newId('cx'), language: 'python' };
    const refused = await agent.call('POST', '/contexts', body);
    expect([refused.status, errorCode(refused)]).toEqual([429, 'RESOURCE_LIMIT_ERROR']);
    await agent.call('DELETE', `/contexts/${made[0]?.id}`);
    expect((await agent.call('POST', '/contexts', body)).status).toBe(201);
  });

  it('that are restarted end what they run and what waits, and know nothing any more', async () => {
    const { id } = await create();
    await agent.run('x = 1', { contextId: id });
    const running = await agent.start('print("up")\nwhile True: pass', { contextId: id });
    const queued = await agent.start('1', { contextId: id });
    for await (const event of agent.events(running)) if (event.type === 'stdout') break;
    const answer = await agent.call('POST', `/contexts/${id}/restart`);
    expect(answer).toMatchObject({ status: 200, body: { id, status: 'idle', executionCount: 0 } });
    expect((await agent.result(running)).finished).toMatchObject({ outcome: 'killed' });
    expect((await agent.result(queued)).finished).toMatchObject({
      outcome: 'killed',
      exitCode: null,
    });
    expect((await agent.run('x', { contextId: id })).error?.name).toBe('NameError');
  });

  it('that are deleted end what they run, and are not there any more', async () => {
    const { id } = await create();
    const running = await agent.start('print("up")\nwhile True: pass', { contextId: id });
    for await (const event of agent.events(running)) if (event.type === 'stdout') break;
    expect((await agent.call('DELETE', `/contexts/${id}`)).status).toBe(204);
    expect((await agent.result(running)).finished).toMatchObject({
      outcome: 'killed',
      signal: 'SIGKILL',
    });
    for (const [method, path] of [
      ['GET', `/contexts/${id}`],
      ['DELETE', `/contexts/${id}`],
      ['POST', `/contexts/${id}/restart`],
    ] as const) {
      const answer = await agent.call(method, path);
      expect([answer.status, errorCode(answer)]).toEqual([404, 'CONTEXT_NOT_FOUND']);
    }
    await expect(agent.start('1', { contextId: id })).rejects.toThrow('CONTEXT_NOT_FOUND');
  });

  it('have a default one that can be deleted: the next run gets a new one', async () => {
    await agent.run('x = 1');
    const [old] = await list();
    await agent.call('DELETE', `/contexts/${old?.id}`);
    expect((await agent.run('x')).error?.name).toBe('NameError');
    expect(await list()).toHaveLength(1);
  });

  it('keep their state while another one is killed, again and again', async () => {
    const { id } = await create();
    await agent.run('x = 1', { contextId: id });
    for (let times = 0; times < 4; times += 1)
      expect((await agent.run('import os; os._exit(1)')).error?.name).toBe('KernelLost');
    expect(await value('x', id)).toBe('1');
  });

  it('run 8 executions at once, and refuse one more', async () => {
    const contexts = await Promise.all(Array.from({ length: 8 }, () => create()));
    const running = await Promise.all(
      contexts.map(({ id }) => agent.start(waitFor('all'), { contextId: id })),
    );
    await expect(agent.start('1')).rejects.toThrow('RESOURCE_LIMIT_ERROR');
    const queued = await agent.start('1', { contextId: String(contexts[0]?.id) });
    expect((await list()).filter(({ isDefault }) => !isDefault)).toMatchObject([
      { status: 'busy', queued: 1 },
      ...running.slice(1).map(() => ({ status: 'busy' })),
    ]);
    await touch('all');
    for (const id of [...running, queued])
      expect((await agent.result(id)).finished.outcome).toBe('ok');
  });

  it('refuse what is none of theirs', async () => {
    for (const [body, code] of [
      [{ contextId: 'x', language: 'python' }, 'VALIDATION_ERROR'],
      [{ contextId: newId('cx'), language: 'cobol' }, 'VALIDATION_ERROR'],
      [{ contextId: newId('cx'), language: 'python', cwd: 'a\0b' }, 'VALIDATION_ERROR'],
      [{ contextId: newId('cx') }, 'VALIDATION_ERROR'],
    ] as const)
      expect(errorCode(await agent.call('POST', '/contexts', body))).toBe(code);
    const { id } = await create();
    await expect(agent.start('1', { contextId: id, language: 'bash' })).rejects.toThrow(
      'VALIDATION_ERROR',
    );
  });
});
