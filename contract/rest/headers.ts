/** The headers that the API knows beside those of HTTP itself: of requests and of answers. */

/** Of requests, with what each does; an operation names those that it reads. */
export const REQUEST_HEADERS = {
  'Idempotency-Key': {
    description:
      'A name for this request, kept for 24 h: a repeat gets what the first one made, also while that still runs; the same name for another request is IDEMPOTENCY_CONFLICT.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
    example: '0b0f5f1e-nightly-report',
  },
  'If-Match': {
    description: 'Only where the file has this ETag; else PRECONDITION_FAILED.',
    schema: { type: 'string' },
    example: '"17-5f2c9a"',
  },
  'If-None-Match': {
    description:
      'Only where the file has another ETag, or with `*`, to write it, where there is none.',
    schema: { type: 'string' },
    example: '*',
  },
  'Last-Event-ID': {
    description: 'Resumes a stream: the seq of the last event that the client has.',
    schema: { type: 'string', pattern: '^\\d{1,15}$' },
    example: '41',
  },
  Prefer: {
    description: '`respond-async`: 202 at once; the events are read apart.',
    schema: { type: 'string' },
    example: 'respond-async',
  },
  Range: {
    description: 'One range of bytes.',
    schema: { type: 'string' },
    example: 'bytes=0-1023',
  },
} as const;
export type RequestHeader = keyof typeof REQUEST_HEADERS;

/** Of answers: what a browser's script may read. */
export const ANSWER_HEADERS = {
  'X-Request-Id': 'Names the request, also in logs.',
  'X-Execution-Id': 'The execution that was started, or that a repeat found.',
  'Retry-After': 'Whole seconds until a repeat may succeed.',
  ETag: 'The version of a file.',
  'Content-Range': 'Which part of a file the answer is.',
} as const;
export type AnswerHeader = keyof typeof ANSWER_HEADERS;

export const EXPOSED_HEADERS = Object.keys(ANSWER_HEADERS).join(', ');
