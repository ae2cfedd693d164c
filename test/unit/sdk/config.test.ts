import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  type Endpoint,
  findEndpoints,
  resolveEndpoint,
} from '../../../sdk/typescript/src/config.ts';

const URL = 'http://127.0.0.1:8080/api/v1';
const ELSEWHERE = 'https://api.example.com/api/v1';
const local: Endpoint = { baseUrl: URL, apiKey: 'local' };
const env = { CODE_INTERPRETER_API_KEY: 'env', CODE_INTERPRETER_BASE_URL: ELSEWHERE };
const sources = (env: Record<string, string>, file?: Endpoint) => ({
  env,
  readEndpoints: () => Promise.resolve(file),
});

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

test('options come before the environment, and that before the file', async () => {
  const options = { baseUrl: `${URL}/`, apiKey: 'mine' };
  expect(await resolveEndpoint(options, sources(env, local))).toEqual({
    baseUrl: URL,
    apiKey: 'mine',
  });
  expect(await resolveEndpoint({}, sources(env, local))).toEqual({
    baseUrl: ELSEWHERE,
    apiKey: 'env',
  });
  expect(await resolveEndpoint({}, sources({}, local))).toEqual(local);
});

test('where the WebSocket is comes from the options, the environment or the file', async () => {
  const options = { baseUrl: URL, apiKey: 'k' };
  const told = { CODE_INTERPRETER_WEBSOCKET_URL: 'wss://env.example/ws/' };
  const websocketUrl = 'ws://127.0.0.1:8080/ws';
  expect((await resolveEndpoint({ ...options, websocketUrl }, sources(told))).websocketUrl).toBe(
    websocketUrl,
  );
  expect((await resolveEndpoint(options, sources(told))).websocketUrl).toBe('wss://env.example/ws');
  expect(await resolveEndpoint({}, sources({}, { ...local, websocketUrl }))).toEqual({
    ...local,
    websocketUrl,
  });
  await expect(
    resolveEndpoint({ ...options, websocketUrl: 'http://x' }, sources({})),
  ).rejects.toThrow(/WebSocket URL must be a ws or wss URL .* got "http:\/\/x"/);
});

test('what is missing is named, with what to do', async () => {
  await expect(resolveEndpoint({}, sources({}))).rejects.toMatchObject({
    code: 'CONFIGURATION_ERROR',
    message: expect.stringMatching(/Neither .* `npm start`.*CODE_INTERPRETER_API_KEY/) as string,
  });
  await expect(resolveEndpoint({ baseUrl: URL }, sources({}))).rejects.toThrow(/No API key .*8080/);
  await expect(resolveEndpoint({ apiKey: 'k' }, sources({}, local))).rejects.toThrow(/no base URL/);
  await expect(resolveEndpoint({ apiKey: 'k', baseUrl: 'localhost' }, sources({}))).rejects.toThrow(
    /http or https URL.*"localhost"/,
  );
});

test("the file's key goes to the file's own deployment and nowhere else", async () => {
  expect(await resolveEndpoint({ baseUrl: URL }, sources({}, local))).toEqual(local);
  await expect(resolveEndpoint({ baseUrl: ELSEWHERE }, sources({}, local))).rejects.toThrow(
    /No API key was given for https:\/\/api\.example\.com/,
  );
});

test('the file is looked for from a folder upwards, and a broken one is named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sdk-config-'));
  folders.push(root);
  const deep = join(root, 'a', 'b');
  await mkdir(deep, { recursive: true });
  await mkdir(join(root, '.local'));
  const file = join(root, '.local', 'endpoints.json');
  await writeFile(file, JSON.stringify({ ...local, pid: 1, websocketUrl: 'ws://127.0.0.1/ws' }));
  expect(await findEndpoints(deep)).toEqual({ ...local, websocketUrl: 'ws://127.0.0.1/ws' });
  await writeFile(file, '{"baseUrl":');
  await expect(findEndpoints(deep)).rejects.toThrow(`${file} must be JSON with baseUrl and apiKey`);
});
