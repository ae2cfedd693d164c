/** The OpenAPI 3.1 document of the table of operations. Derived, never written by hand. */
import type * as z from 'zod/mini';
import { Chart, TableData } from './charts.ts';
import { ErrorBody, type ErrorCode, isRetryable, statusOf } from './errors.ts';
import { Event } from './events.ts';
import { EXAMPLES } from './examples.ts';
import { type Json, SchemaComponents } from './openapi-schemas.ts';
import { BASE_PATH, OPERATION_IDS, type OperationId, operationOf } from './operations.ts';
import { ANSWER_HEADERS, type AnswerHeader, REQUEST_HEADERS } from './rest/headers.ts';
import { Bytes, Nothing } from './rest/operation.ts';

/** Errors that any operation may answer. */
const COMMON: readonly ErrorCode[] = ['VALIDATION_ERROR', 'INTERNAL_ERROR'];
const COMMON_WITH_KEY: readonly ErrorCode[] = [
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'RATE_LIMITED',
];
/** Where a request may be repeated under a name. */
const REPEATABLE: readonly ErrorCode[] = ['IDEMPOTENCY_CONFLICT'];
/** Answers that stand outside the envelope. */
const BARE: ReadonlySet<OperationId> = new Set(['openapi']);

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  304: 'Not Modified',
};

const envelope = (data: Json): Json => ({
  type: 'object',
  required: ['success', 'data'],
  properties: { success: { const: true }, data },
});

const headersOf = (...names: AnswerHeader[]): Json =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** One document's worth of operations. */
class Paths {
  readonly components = new SchemaComponents();
  readonly errorSchema = this.components.of(ErrorBody, 'output');

  operation(id: OperationId): Json {
    const row = operationOf(id);
    return {
      operationId: id,
      summary: row.summary,
      security: row.role === 'anyone' ? [] : [{ apiKey: [] }],
      parameters: [
        ...this.#parameters(row.params, 'path'),
        ...this.#parameters(row.query, 'query'),
        ...(row.headers ?? []).map((name) => ({
          $ref: `#/components/parameters/${name}`,
        })),
      ],
      ...(row.body ? { requestBody: this.#requestBody(id, row.body) } : {}),
      responses: this.#answers(id),
    };
  }

  #parameters(schema: z.core.$ZodType | undefined, where: 'path' | 'query'): Json[] {
    if (!schema) return [];
    const { properties = {}, required = [] } = this.components.of(schema, 'input') as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, property]) => ({
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      schema: property,
    }));
  }

  #requestBody(id: OperationId, body: z.core.$ZodType): Json {
    const example = EXAMPLES[id]?.body;
    return {
      required: operationOf(id).bodyOptional !== true,
      ...contentOf(body, () => ({
        schema: this.components.of(body, 'input'),
        ...(example === undefined ? {} : { example }),
      })),
    };
  }

  #answers(id: OperationId): Json {
    const { answers, role, errors, headers = [] } = operationOf(id);
    const byStatus: Record<string, Json> = {};
    for (const [status, schema] of Object.entries(answers)) {
      byStatus[status] = this.#answer(id, status, schema);
    }
    const codes: ErrorCode[] = [
      ...COMMON,
      ...(role === 'anyone' ? [] : COMMON_WITH_KEY),
      ...(headers.includes('Idempotency-Key') ? REPEATABLE : []),
      ...errors,
    ];
    const byError = Map.groupBy(new Set(codes), (code) => String(statusOf(code)));
    for (const [status, all] of byError) {
      const known = byStatus[status];
      if (known) known['description'] = [known['description'], ...all].join(', ');
      else byStatus[status] = this.#refusal(all);
    }
    return byStatus;
  }

  #answer(id: OperationId, status: string, schema: z.core.$ZodType): Json {
    const row = operationOf(id);
    const example = status === Object.keys(row.answers)[0] ? EXAMPLES[id]?.answer : undefined;
    const { content } = contentOf(schema, () => {
      const data = this.components.of(schema, 'output');
      if (BARE.has(id)) return { schema: data };
      return {
        schema: envelope(data),
        ...(example === undefined ? {} : { example: { success: true, data: example } }),
      };
    });
    if (content && row.streams && status === '200') {
      content['text/event-stream'] = {
        schema: { type: 'string', description: 'Server-sent events: id is the seq, data an Event' },
        example:
          'id: 2\nevent: stdout\ndata: {"seq":2,"at":"2026-01-05T09:00:00.030Z","type":"stdout","text":"42\\n"}\n\n',
      };
    }
    return {
      description: DESCRIPTIONS[status] ?? 'OK',
      headers: headersOf(
        'X-Request-Id',
        ...(id === 'executeCode' ? EXECUTED : []),
        ...(schema === Bytes ? OF_FILES : []),
      ),
      ...(content ? { content } : {}),
    };
  }

  #refusal(codes: readonly ErrorCode[]): Json {
    const mayPass = codes.some((code) => [429, 503].includes(statusOf(code)));
    const schema = {
      type: 'object',
      required: ['success', 'error'],
      properties: { success: { const: false }, error: this.errorSchema },
    };
    const examples = Object.fromEntries(codes.map((code) => [code, { value: refusalOf(code) }]));
    return {
      description: codes.join(', '),
      headers: headersOf('X-Request-Id', ...(mayPass ? LATER : [])),
      content: { 'application/json': { schema, examples } },
    };
  }
}

const EXECUTED: AnswerHeader[] = ['X-Execution-Id'];
const OF_FILES: AnswerHeader[] = ['ETag', 'Content-Range'];
const LATER: AnswerHeader[] = ['Retry-After'];

const refusalOf = (code: ErrorCode): Json => ({
  success: false,
  error: {
    code,
    message: 'What happened, what was got, what is allowed, and what to do.',
    retryable: isRetryable(code),
    requestId: '8c2b1822-0d8f-4a89-a7ea-280815defa55',
  },
});

/** How a body stands in the document: bytes, nothing, or JSON. */
function contentOf(schema: z.core.$ZodType, json: () => Json): { content?: Record<string, Json> } {
  if (schema === Nothing) return {};
  if (schema === Bytes) return { content: { 'application/octet-stream': { schema: {} } } };
  return { content: { 'application/json': json() } };
}

/** @param serverUrl where this deployment answers, without the base path. */
export function openApiDocument(serverUrl: string): Json {
  const made = new Paths();
  const paths: Record<string, Json> = {};
  for (const id of OPERATION_IDS) {
    const { method, path } = operationOf(id);
    (paths[path] ??= {})[method.toLowerCase()] = made.operation(id);
  }
  // What streams and results carry is named too, though no schema of an answer refers to it.
  for (const carried of [Event, Chart, TableData]) made.components.of(carried, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'Code Interpreter',
      version: '1',
      description: 'Runs untrusted code in isolated sandboxes, with live output.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${serverUrl}${BASE_PATH}` }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
      parameters: Object.fromEntries(
        Object.entries(REQUEST_HEADERS).map(([name, said]) => [
          name,
          { name, in: 'header', required: false, ...said },
        ]),
      ),
      headers: Object.fromEntries(
        Object.entries(ANSWER_HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      schemas: made.components.schemas,
    },
  };
}
