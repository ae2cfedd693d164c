import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentHealth, InitResponse } from '../../../contract/agent/protocol.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { type Answer, newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

const errorOf = (answer: Answer) => AgentErrorBody.parse(answer.body);
const execution = (fields: object = {}) => ({
  executionId: newId('ex'),
  code: '1',
  language: 'python',
  timeoutMs: 1_000,
  ...fields,
});

describe('an agent that was not initialized', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', init: false });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('says that it lives, and starts nothing', async () => {
    const health = AgentHealth.parse((await agent.call('GET', '/health')).body);
    expect(health).toEqual({ status: 'ok', protocol: 1, initialized: false });
    const answer = await agent.call('POST', '/executions', execution());
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'INVALID_SANDBOX_STATE']);
  });

  it('names the field of an init that is wrong, never a secret value', async () => {
    const body = { ...agent.initBody(), tokenSha256: 'SECRET' };
    const answer = await agent.call('POST', '/init', body);
    expect([answer.status, errorOf(answer).details?.['field']]).toEqual([400, 'tokenSha256']);
    expect(JSON.stringify(answer.body)).not.toContain('SECRET');
  });

  it('takes one init: the same again answers the same, another is refused', async () => {
    const body = agent.initBody({ env: { A: '1', B: '2' } });
    const first = await agent.call('POST', '/init', body);
    expect(InitResponse.parse(first.body)).toEqual({ sandboxId: agent.sandboxId, protocol: 1 });
    const again = { ...body, env: { B: '2', A: '1' } };
    expect((await agent.call('POST', '/init', again)).body).toEqual(first.body);
    const other = await agent.call('POST', '/init', { ...body, env: {} });
    expect([other.status, errorOf(other).code]).toEqual([409, 'INVALID_SANDBOX_STATE']);
    expect(AgentHealth.parse((await agent.call('GET', '/health')).body).initialized).toBe(true);
  });
});

describe('the routes of an agent', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('need the control token, all but health and init, and tell nothing without it', async () => {
    const paths = [
      ['POST', '/executions'],
      ['GET', `/executions/${newId('ex')}/events?after=0&epoch=1`],
      ['POST', '/drain'],
      ['GET', '/logs'],
      ['GET', '/nothing-there'],
    ] as const;
    for (const [method, path] of paths)
      for (const token of ['', 'wrong', agent.token.slice(1)]) {
        const answer = await agent.call(method, path, undefined, token);
        expect([path, answer.status, errorOf(answer).code]).toEqual([path, 401, 'UNAUTHENTICATED']);
      }
  });

  it('answer NOT_FOUND for a path or method that does not exist', async () => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['DELETE', '/executions'],
      ['GET', '/executions/a/b/events'],
    ] as const)
      expect(errorOf(await agent.call(method, path)).code).toBe('NOT_FOUND');
    const unknown = await agent.call('POST', `/executions/${newId('ex')}/interrupt`);
    expect([unknown.status, errorOf(unknown).code]).toEqual([404, 'EXECUTION_NOT_FOUND']);
  });

  it.each([
    ['not JSON', '{"code":', 'body', undefined],
    ['an unknown field', execution({ nice: 1 }), 'nice', undefined],
    ['a missing field', { ...execution(), code: undefined }, 'code', undefined],
    ['a wrong type', execution({ timeoutMs: '5' }), 'timeoutMs', '5'],
    ['a number under its limit', execution({ timeoutMs: 99 }), 'timeoutMs', 99],
    ['a number over its limit', execution({ timeoutMs: 1_800_001 }), 'timeoutMs', 1_800_001],
    ['an unknown language', execution({ language: 'cobol' }), 'language', 'cobol'],
    ['a wrong id', execution({ executionId: 'x' }), 'executionId', 'x'],
    ['a wrong name in env', execution({ env: { 'A B': '1' } }), 'env.A B', undefined],
    ['NUL in cwd', execution({ cwd: 'a\0b' }), 'cwd', undefined],
  ])('refuse %s and name the field', async (_, body, field, value) => {
    const answer = await agent.call('POST', '/executions', body);
    const { code, message, details } = errorOf(answer);
    expect([answer.status, code, details?.['field']]).toEqual([400, 'VALIDATION_ERROR', field]);
    expect(details?.['value']).toEqual(value);
    expect(details?.['allowed']).toBeTruthy();
    expect(message).not.toMatch(/\bat .*:\d+:\d+|Invalid input/);
  });

  it('refuse code and bodies that are too large', async () => {
    const code = 'é'.repeat(LIMITS.codeBytes / 2 + 1);
    const large = await agent.call('POST', '/executions', execution({ code }));
    expect([large.status, errorOf(large).code]).toEqual([413, 'CODE_TOO_LARGE']);
    const stdin = 'x'.repeat(LIMITS.stdinBytes + 1);
    const input = await agent.call('POST', '/executions', execution({ stdin }));
    expect([input.status, errorOf(input).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const huge = ' '.repeat(LIMITS.requestBytes + 1);
    const body = await agent.call('POST', '/executions', huge);
    expect([body.status, errorOf(body).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it('run code of exactly the largest size', async () => {
    const head = 'print("ok")#';
    const code = head + 'x'.repeat(LIMITS.codeBytes - head.length);
    expect((await agent.run(code)).stdout).toBe('ok\n');
  });

  it('refuse a cursor or an epoch that cannot be', async () => {
    const { executionId, events } = await agent.run('1');
    const path = `/executions/${executionId}/events`;
    for (const [query, field] of [
      ['after=-1&epoch=1', 'after'],
      ['after=x&epoch=1', 'after'],
      ['after=0', 'epoch'],
      ['after=0&epoch=0', 'epoch'],
      [`after=${events.length + 1}&epoch=1`, 'after'],
    ] as const) {
      const { code, details } = errorOf(await agent.call('GET', `${path}?${query}`));
      expect([query, code, details?.['field']]).toEqual([query, 'VALIDATION_ERROR', field]);
    }
  });

  it('answer the log without code, output or tokens', async () => {
    await agent.run('print("MY" + "OUTPUT")');
    const { status, body } = await agent.call('GET', '/logs');
    expect(status).toBe(200);
    const text = JSON.stringify(body);
    expect(text).toContain('the agent listens');
    expect(text).not.toMatch(new RegExp(`MYOUTPUT|MY" |${agent.token}`));
  });

  it('are kept from nobody by connections that send nothing', async () => {
    const port = Number(new URL(agent.baseUrl).port);
    const idle = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
    const cut = idle.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => undefined).resume();
          socket.once('close', () => resolve());
        }),
    );
    // Those over the bound are refused at once, the others when their head does not come.
    await Promise.all(cut);
    expect((await agent.call('GET', '/health')).status).toBe(200);
  }, 20_000);
});

describe('an agent with a unix socket', () => {
  it('serves there too, and only its owner may connect', async () => {
    await using folder = await temporaryFolder();
    const socketPath = join(folder.path, 'agent.sock');
    await using agent = await startAgent({
      driver: 'plain',
      sees: folder.path,
      env: { AGENT_SOCKET: socketPath },
    });
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${agent.token}`, host: '127.0.0.1' };
      const call = request({ socketPath, path: '/logs', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject).end();
    });
    expect(status).toBe(200);
  });
});

describe('the environment of an agent', () => {
  it('is refused with every value that is wrong', async () => {
    const env = { AGENT_PORT: '70000', AGENT_LAUNCHER: 'launcher', AGENT_OUTPUT_BYTES: '1 MB' };
    await expect(startAgent({ env })).rejects.toThrow(
      /AGENT_PORT: .*AGENT_LAUNCHER: .*AGENT_OUTPUT_BYTES: /,
    );
  });

  it('must say `none` to run without a launcher', async () => {
    await expect(startAgent({ env: { AGENT_LAUNCHER: '' } })).rejects.toThrow(/AGENT_LAUNCHER/);
  });

  it('is gone from the process once it is read', async () => {
    await using agent = await startAgent({ driver: 'plain', env: { AGENT_DRAIN_MS: '77' } });
    const { stdout } = await agent.run(
      'import os; print({n: v for n, v in os.environ.items() if "AGENT" in n or "ECS" in n})',
    );
    expect(stdout).toBe('{}\n');
  });

  it('tells which ECS task this is, and refuses what is meant for another', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'metadata.json');
    const arn = 'arn:aws:ecs:eu-west-1:123456789012:task/cluster/0123456789abcdef';
    await writeFile(file, JSON.stringify({ TaskARN: arn }));
    await using agent = await startAgent({
      driver: 'plain',
      init: false,
      sees: folder.path,
      env: { ECS_CONTAINER_METADATA_FILE: file },
    });
    const health = AgentHealth.parse((await agent.call('GET', '/health')).body);
    expect(health.taskId).toBe('0123456789abcdef');
    const init = (taskId: string) => agent.call('POST', '/init', { ...agent.initBody(), taskId });
    expect(await init('fedcba9876543210')).toMatchObject({ status: 409 });
    expect(await init('0123456789abcdef')).toMatchObject({ status: 200 });
  });
});

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'agent-routes-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
