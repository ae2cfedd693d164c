/**
 * API Gateway's own answers in the closed shape of errors: one for every type there is, so that a
 * caller never meets another shape. Beside the error stand numeric `code` and `message` for E2B clients.
 */
import * as api from 'aws-cdk-lib/aws-apigateway';
import { type ErrorCode, isRetryable, statusOf } from '../../contract/errors.ts';
import { corsHeaders } from './cors.ts';

interface OwnAnswer {
  readonly code: ErrorCode;
  readonly message: string;
  /** Set where a caller should wait before it repeats. */
  readonly retryAfterSeconds?: number;
}

const KEY_REFUSED: OwnAnswer = {
  code: 'UNAUTHENTICATED',
  message: 'The API key is missing, wrong or revoked: send a valid one in the header X-API-Key',
};
const FAILED: OwnAnswer = {
  code: 'INTERNAL_ERROR',
  message: 'The service failed: repeat the request, and report its id if that does not help',
};
const FORBIDDEN: OwnAnswer = {
  code: 'PERMISSION_DENIED',
  message: 'The role of this API key does not allow the operation',
};
const MALFORMED: OwnAnswer = { code: 'VALIDATION_ERROR', message: 'The request is malformed' };
const UNKNOWN: OwnAnswer = {
  code: 'NOT_FOUND',
  message: 'No operation has this method and path: /api/v1/openapi.json lists them all',
};
const TOO_MANY: OwnAnswer = {
  code: 'RATE_LIMITED',
  message: 'Too many requests: wait as Retry-After says, then repeat',
  retryAfterSeconds: 1,
};

const ANSWERS: Readonly<Record<string, OwnAnswer>> = {
  ACCESS_DENIED: FORBIDDEN,
  API_CONFIGURATION_ERROR: FAILED,
  AUTHORIZER_CONFIGURATION_ERROR: FAILED,
  AUTHORIZER_FAILURE: FAILED,
  BAD_REQUEST_BODY: MALFORMED,
  BAD_REQUEST_PARAMETERS: MALFORMED,
  EXPIRED_TOKEN: KEY_REFUSED,
  INTEGRATION_FAILURE: FAILED,
  INTEGRATION_TIMEOUT: {
    code: 'DEADLINE_EXCEEDED',
    message: 'No answer within 29 s: what was asked may still happen, read it back before a repeat',
  },
  INVALID_API_KEY: KEY_REFUSED,
  INVALID_SIGNATURE: KEY_REFUSED,
  // An unknown path, and a method that a path does not have: API Gateway does not tell them apart.
  MISSING_AUTHENTICATION_TOKEN: UNKNOWN,
  QUOTA_EXCEEDED: TOO_MANY,
  REQUEST_TOO_LARGE: {
    code: 'PAYLOAD_TOO_LARGE',
    message: 'The request is over the limit of 4 MiB',
  },
  RESOURCE_NOT_FOUND: UNKNOWN,
  THROTTLED: TOO_MANY,
  UNAUTHORIZED: KEY_REFUSED,
  UNSUPPORTED_MEDIA_TYPE: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'The content type is not supported: send application/json',
  },
  WAF_FILTERED: { code: 'PERMISSION_DENIED', message: 'The request was refused by a filter' },
};

/** For types that do not exist yet; a status set here would replace that of every other type. */
const DEFAULTS: Readonly<Record<string, OwnAnswer>> = {
  DEFAULT_4XX: MALFORMED,
  DEFAULT_5XX: FAILED,
};

export function addGatewayResponses(restApi: api.RestApi, origin: string): void {
  for (const [type, answer] of Object.entries({ ...ANSWERS, ...DEFAULTS })) {
    restApi.addGatewayResponse(`Own${type}`, {
      type: api.ResponseType.of(type),
      ...(type in DEFAULTS ? {} : { statusCode: String(statusOf(answer.code)) }),
      responseHeaders: {
        ...corsHeaders(origin),
        'X-Request-Id': 'context.requestId',
        ...(answer.retryAfterSeconds === undefined
          ? {}
          : { 'Retry-After': `'${answer.retryAfterSeconds}'` }),
      },
      templates: { 'application/json': bodyOf(answer) },
    });
  }
}

function bodyOf({ code, message }: OwnAnswer): string {
  return JSON.stringify({
    success: false,
    error: { code, message, retryable: isRetryable(code), requestId: '$context.requestId' },
    code: statusOf(code),
    message,
  });
}
