/** Looks into requests that are not checked yet: what is not of the expected shape is not there, never an error. */
type JsonObject = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

export function parseObject(body: Buffer | undefined): JsonObject {
  try {
    return objectOf(JSON.parse(body?.toString() || '{}'));
  } catch {
    return {};
  }
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
