/** The OpenAPI document says what the table of operations says. */
import { expect, test } from 'vitest';
import { openApiDocument } from '../../../contract/openapi.ts';
import { OPERATION_IDS, operationOf } from '../../../contract/operations.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document is untyped until it is asserted
const document = openApiDocument('https://example.test') as any;

test('every operation stands at its route with its id, parameters and errors', () => {
  for (const id of OPERATION_IDS) {
    const row = operationOf(id);
    const said = document.paths[row.path][row.method.toLowerCase()];
    expect(said.operationId).toBe(id);
    for (const status of Object.keys(row.answers)) expect(said.responses).toHaveProperty(status);
    const inPath = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const named = said.parameters.filter((parameter: { in: string }) => parameter.in === 'path');
    expect(named.map((parameter: { name: string }) => parameter.name)).toEqual(inPath);
    expect(said.security).toEqual(row.role === 'anyone' ? [] : [{ apiKey: [] }]);
  }
});

test('no route stands twice', () => {
  const routes = OPERATION_IDS.map((id) => `${operationOf(id).method} ${operationOf(id).path}`);
  expect(new Set(routes).size).toBe(routes.length);
});
