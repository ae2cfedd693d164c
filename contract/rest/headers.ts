/** The headers of an answer that a browser's script may read. */
export const EXPOSED_HEADERS = 'X-Request-Id, X-Execution-Id, Retry-After, ETag, Content-Range';
