import { describe, expect, it } from 'vitest';
import type { MethodDefinition } from '../../../local/services/api-gateway/definition.ts';
import { startApi } from './fixture.ts';

const preflight = (convertsToText: boolean): MethodDefinition => ({
  httpMethod: 'OPTIONS',
  resourcePath: '/v1/items',
  resourceId: 'res123',
  authorizer: undefined,
  integration: {
    kind: 'mock',
    requestTemplate: '{"statusCode":204}',
    convertsToText,
    responses: [
      {
        statusCode: 204,
        selectionPattern: undefined,
        headers: { 'Access-Control-Allow-Methods': 'GET, OPTIONS' },
        body: undefined,
      },
    ],
  },
});

const options = async (convertsToText: boolean, binaryMediaTypes: string[]) => {
  await using api = await startApi({
    handlers: {},
    methods: [preflight(convertsToText)],
    binaryMediaTypes,
  });
  return await fetch(`${api.url}/v1/items`, { method: 'OPTIONS' });
};

describe('a preflight by MOCK', () => {
  it('is answered with its static headers', async () => {
    const response = await options(true, ['*/*']);
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, OPTIONS');
  });

  it('needs no conversion where nothing is binary', async () => {
    expect((await options(false, [])).status).toBe(204);
  });

  it('is a 500 where all is binary and nothing converts it', async () => {
    expect((await options(false, ['*/*'])).status).toBe(500);
  });
});
