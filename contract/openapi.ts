/** The OpenAPI 3.1 document of the table of operations. Derived, never written by hand. */
import * as z from 'zod/mini';
import { ErrorBody, type ErrorCode, statusOf } from './errors.ts';
import { Event } from './events.ts';
import { BASE_PATH, OPERATION_IDS, type OperationId, operationOf } from './operations.ts';
import { Bytes, Nothing } from './rest/operation.ts';

type Json = Record<string, unknown>;

/** Errors that any operation may answer. */
const COMMON: readonly ErrorCode[] = ['VALIDATION_ERROR', 'INTERNAL_ERROR'];
const COMMON_WITH_KEY: readonly ErrorCode[] = [
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'RATE_LIMITED',
];
/** Answers that stand outside the envelope. */
const BARE: ReadonlySet<OperationId> = new Set(['openapi']);

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  304: 'Not Modified',
};

const schemaOf = (schema: z.core.$ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const envelope = (data: Json): Json => ({
  type: 'object',
  required: ['success', 'data'],
  properties: { success: { const: true }, data },
});

const errorAnswer: Json = {
  type: 'object',
  required: ['success', 'error'],
  properties: { success: { const: false }, error: schemaOf(ErrorBody, 'output') },
};

function parameters(schema: z.core.$ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const json = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || (json.required ?? []).includes(name),
    schema: property,
  }));
}

/** How a body stands in the document: bytes, nothing, or JSON. */
function contentOf(schema: z.core.$ZodType, json: () => Json): { content?: Json } {
  if (schema === Nothing) return {};
  if (schema === Bytes) return { content: { 'application/octet-stream': { schema: {} } } };
  return { content: { 'application/json': { schema: json() } } };
}

function answers(id: OperationId): Json {
  const row = operationOf(id);
  const byStatus: Json = {};
  for (const [status, schema] of Object.entries(row.answers)) {
    const { content } = contentOf(schema, () => {
      const data = schemaOf(schema, 'output');
      return BARE.has(id) ? data : envelope(data);
    });
    if (content && row.streams && status === '200') {
      content['text/event-stream'] = {
        schema: { type: 'string', description: 'Server-sent events: id is the seq, data an Event' },
      };
    }
    byStatus[status] = {
      description: DESCRIPTIONS[status] ?? 'OK',
      ...(content ? { content } : {}),
    };
  }
  const codes = [...COMMON, ...(row.role === 'anyone' ? [] : COMMON_WITH_KEY), ...row.errors];
  for (const code of codes) {
    const status = String(statusOf(code));
    const known = byStatus[status] as { description: string } | undefined;
    if (known) known.description += `, ${code}`;
    else
      byStatus[status] = {
        description: code,
        content: { 'application/json': { schema: errorAnswer } },
      };
  }
  return byStatus;
}

/** @param serverUrl where this deployment answers, without the base path. */
export function openApiDocument(serverUrl: string): Json {
  const paths: Record<string, Json> = {};
  for (const id of OPERATION_IDS) {
    const row = operationOf(id);
    const path = (paths[row.path] ??= {});
    path[row.method.toLowerCase()] = {
      operationId: id,
      summary: row.summary,
      security: row.role === 'anyone' ? [] : [{ apiKey: [] }],
      parameters: [...parameters(row.params, 'path'), ...parameters(row.query, 'query')],
      ...(row.body
        ? {
            requestBody: {
              required: row.bodyOptional !== true,
              ...contentOf(row.body, () => schemaOf(row.body ?? Nothing, 'input')),
            },
          }
        : {}),
      responses: answers(id),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Code Interpreter', version: '1' },
    servers: [{ url: `${serverUrl}${BASE_PATH}` }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
      schemas: { Event: schemaOf(Event, 'output'), Error: schemaOf(ErrorBody, 'output') },
    },
  };
}
