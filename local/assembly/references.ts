/**
 * Finds the logical names that a template value refers to, without resolving anything.
 * Pseudo parameters and parameters are among them; the caller keeps what it knows.
 */
import type { TemplateResource } from './template.ts';

const subVariable = /\$\{([^!}][^}]*)\}/g;

/** Names in `${Name}` and `${Name.Attribute}`; `${!Literal}` is none. */
function subReferences(argument: unknown): string[] {
  const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
  if (typeof text !== 'string') return [];
  const bound = new Set(Object.keys(own ?? {}));
  return [...text.matchAll(subVariable)]
    .map(([, name]) => (name ?? '').trim())
    .filter((name) => !bound.has(name))
    .map((name) => name.split('.')[0] ?? name);
}

function attributeOwner(argument: unknown): string[] {
  const owner = Array.isArray(argument) ? argument[0] : String(argument).split('.')[0];
  return typeof owner === 'string' ? [owner] : [];
}

function collect(value: unknown, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, into);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref' && typeof inner === 'string') into.add(inner);
    if (key === 'Fn::GetAtt') for (const name of attributeOwner(inner)) into.add(name);
    if (key === 'Fn::Sub') for (const name of subReferences(inner)) into.add(name);
    collect(inner, into);
  }
}

export function referencesOf(resource: TemplateResource): Set<string> {
  const names = new Set<string>([resource.DependsOn ?? []].flat());
  collect(resource.Properties, names);
  return names;
}
