/**
 * Matches a request to a method of the API as API Gateway does: a literal segment before `{name}`, that before
 * `{name+}`; an own HTTP method before ANY. Path parameters stay percent-encoded, as REST APIs hand them on.
 */
import type { MethodDefinition } from './definition.ts';

export interface RouteMatch {
  readonly method: MethodDefinition;
  readonly pathParameters: Readonly<Record<string, string>>;
}

interface Node {
  readonly literals: Map<string, Node>;
  parameter: { name: string; node: Node } | undefined;
  greedy: { name: string; node: Node } | undefined;
  readonly methods: Map<string, MethodDefinition>;
}

function createNode(): Node {
  return { literals: new Map(), parameter: undefined, greedy: undefined, methods: new Map() };
}

function descend(node: Node, part: string): Node {
  const name = part.slice(1, -1);
  if (part.startsWith('{') && name.endsWith('+')) {
    node.greedy ??= { name: name.slice(0, -1), node: createNode() };
    return node.greedy.node;
  }
  if (part.startsWith('{')) {
    node.parameter ??= { name, node: createNode() };
    return node.parameter.node;
  }
  const next = node.literals.get(part) ?? createNode();
  node.literals.set(part, next);
  return next;
}

function find(node: Node, segments: readonly string[], httpMethod: string): RouteMatch | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    const method = node.methods.get(httpMethod) ?? node.methods.get('ANY');
    return method && { method, pathParameters: {} };
  }
  const literal = node.literals.get(segment);
  const exact = literal && find(literal, rest, httpMethod);
  if (exact !== undefined) return exact;
  if (segment === '') return undefined;
  const single = node.parameter && find(node.parameter.node, rest, httpMethod);
  if (single !== undefined && node.parameter !== undefined) {
    const { name } = node.parameter;
    return { ...single, pathParameters: { [name]: segment, ...single.pathParameters } };
  }
  const all = node.greedy && find(node.greedy.node, [], httpMethod);
  if (all === undefined || node.greedy === undefined) return undefined;
  return { ...all, pathParameters: { [node.greedy.name]: segments.join('/') } };
}

/** `/v1/sandboxes/` has the same segments as `/v1/sandboxes`: API Gateway ignores one slash at the end. */
function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/^\//, '').replace(/\/$/, '');
  return trimmed === '' ? [] : trimmed.split('/');
}

export class Router {
  readonly #root = createNode();

  constructor(methods: readonly MethodDefinition[]) {
    for (const method of methods) {
      const node = segmentsOf(method.resourcePath).reduce(descend, this.#root);
      node.methods.set(method.httpMethod, method);
    }
  }

  match(httpMethod: string, path: string): RouteMatch | undefined {
    return find(this.#root, segmentsOf(path), httpMethod);
  }
}
