/** The OpenAPI document says what the table of operations says, and is one that tools can read. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ErrorBody } from '../../../contract/errors.ts';
import { EXAMPLES } from '../../../contract/examples.ts';
import { openApiDocument } from '../../../contract/openapi.ts';
import { OPERATION_IDS, type OperationId, operationOf } from '../../../contract/operations.ts';
import { REQUEST_HEADERS } from '../../../contract/rest/headers.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document is untyped until it is asserted
type Node = any;
const document: Node = openApiDocument('https://example.test');

const resolve = (ref: string): Node =>
  ref
    .replace(/^#\//, '')
    .split('/')
    .reduce((node: Node, part: string) => node?.[part], document);

/** Every object of the document, with where it stands. */
function* nodes(node: Node, at = '#'): Generator<[string, Node]> {
  if (typeof node !== 'object' || node === null) return;
  yield [at, node];
  for (const [name, inner] of Object.entries(node)) yield* nodes(inner, `${at}/${name}`);
}

const said = (id: OperationId): Node => {
  const { path, method } = operationOf(id);
  return document.paths[path][method.toLowerCase()];
};

describe.each(OPERATION_IDS)('%s', (id) => {
  const row = operationOf(id);

  test('stands at its route with its id, its answers and who may call it', () => {
    expect(said(id).operationId).toBe(id);
    for (const status of Object.keys(row.answers))
      expect(said(id).responses).toHaveProperty(status);
    expect(said(id).security).toEqual(row.role === 'anyone' ? [] : [{ apiKey: [] }]);
    expect('requestBody' in said(id)).toBe(row.body !== undefined);
  });

  test('has the parameters of its path, and each parameter once', () => {
    const parameters = said(id).parameters.map((parameter: Node) =>
      parameter.$ref ? resolve(parameter.$ref) : parameter,
    );
    const names = parameters.map((parameter: Node) => `${parameter.in} ${parameter.name}`);
    expect(new Set(names).size).toBe(names.length);
    const inPath = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `path ${name}`);
    expect(names.filter((name: string) => name.startsWith('path '))).toEqual(inPath);
    const headers = names.filter((name: string) => name.startsWith('header '));
    expect(headers).toEqual((row.headers ?? []).map((name) => `header ${name}`));
  });

  test('shows examples that its own schemas take', () => {
    const { body, answer } = EXAMPLES[id] ?? {};
    if (body !== undefined) {
      expect(row.body && z.safeParse(row.body, body).error).toBeUndefined();
      expect(said(id).requestBody.content['application/json'].example).toEqual(body);
    }
    const [status = '', schema] = Object.entries(row.answers)[0] ?? [];
    if (answer !== undefined) {
      expect(schema && z.safeParse(schema, answer).error).toBeUndefined();
      expect(said(id).responses[status].content['application/json'].example).toEqual({
        success: true,
        data: answer,
      });
    }
  });

  test('answers every error with its shape, and says of 429 and 503 how long to wait', () => {
    for (const [status, response] of Object.entries<Node>(said(id).responses)) {
      expect(response.headers).toHaveProperty('X-Request-Id');
      const examples = response.content?.['application/json']?.examples ?? {};
      for (const [code, { value }] of Object.entries<Node>(examples)) {
        expect(ErrorBody.parse(value.error).code).toBe(code);
      }
      if (status === '429') expect(response.headers).toHaveProperty('Retry-After');
    }
  });
});

describe('the document', () => {
  test('has no route and no operation twice', () => {
    const routes = OPERATION_IDS.map((id) => `${operationOf(id).method} ${operationOf(id).path}`);
    expect(new Set(routes).size).toBe(routes.length);
  });

  test('leads every reference to something', () => {
    let references = 0;
    for (const [at, node] of nodes(document)) {
      if (typeof node.$ref !== 'string') continue;
      expect(resolve(node.$ref), `${at} → ${node.$ref}`).toBeDefined();
      references++;
    }
    expect(references).toBeGreaterThan(OPERATION_IDS.length);
  });

  test('has schemas of known types that require only what they have', () => {
    const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
    for (const [at, node] of nodes(document)) {
      if (/\/(examples?|properties|parameters)$/.test(at)) continue;
      if (/\/examples?\//.test(at) || at.startsWith('#/components/securitySchemes')) continue;
      if ('type' in node && typeof node.type === 'string') expect(types, at).toContain(node.type);
      if (Array.isArray(node.required)) {
        expect(Object.keys(node.properties ?? {}), at).toEqual(
          expect.arrayContaining(node.required),
        );
      }
    }
  });

  test('names its components as OpenAPI allows, and carries each header once', () => {
    for (const part of Object.values<Node>(document.components)) {
      for (const name of Object.keys(part)) expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
    }
    expect(Object.keys(document.components.parameters)).toEqual(Object.keys(REQUEST_HEADERS));
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Error', 'Event', 'Execution', 'Json', 'Key', 'Sandbox', 'Tenant']),
    );
  });

  test('is JSON, and the same each time', () => {
    const json = JSON.stringify(document);
    expect(JSON.parse(json)).toEqual(document);
    expect(JSON.stringify(openApiDocument('https://example.test'))).toBe(json);
  });
});
