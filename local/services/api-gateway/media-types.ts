/** Which bodies count as binary: an API's `binaryMediaTypes` against a content type or an Accept header. */

function matches(pattern: string, mediaType: string): boolean {
  const [type, subtype] = pattern.toLowerCase().split('/');
  const [actualType, actualSubtype] = mediaType.split('/');
  return (type === '*' || type === actualType) && (subtype === '*' || subtype === actualSubtype);
}

/** A missing header counts as `application/json`; of a list only the first entry counts. */
export function isBinary(binaryMediaTypes: readonly string[], header: string | undefined): boolean {
  const first = (header ?? 'application/json').split(',')[0] ?? '';
  const mediaType = (first.split(';')[0] ?? '').trim().toLowerCase();
  return binaryMediaTypes.some((pattern) => matches(pattern, mediaType));
}
