/**
 * Chooses the route of a message: the value below `$request.body`, else `$default`. The two routes of a connection's
 * beginning and end are API Gateway's to call, never a client's.
 */
import type { WebSocketApiDefinition, WebSocketRoute } from './definition.ts';

const RESERVED = new Set(['$connect', '$disconnect']);

function valueAt(body: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    body,
  );
}

function keyOf(text: string, names: readonly string[]): string | undefined {
  try {
    const value = valueAt(JSON.parse(text), names);
    return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
  } catch {
    // A message that is no JSON is $default's.
    return undefined;
  }
}

export function selectRoute(
  { routes, routeSelection }: WebSocketApiDefinition,
  text: string,
): WebSocketRoute | undefined {
  const key = keyOf(text, routeSelection);
  const named = key === undefined || RESERVED.has(key) ? undefined : routes.get(key);
  return named ?? routes.get('$default');
}
