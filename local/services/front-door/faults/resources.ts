/** The names that a request gives to what it works on, for rules to match. For nothing else: a name may be missing. */
import type { AwsRequest } from '../../service.ts';

/** Fields that hold a name or an ARN, at any depth of a JSON body. */
const NAMING = new Set([
  'TableName',
  'cluster',
  'task',
  'taskDefinition',
  'stateMachineArn',
  'executionArn',
  'EventBusName',
]);

export function resourcesOf({ service, url, body }: AwsRequest): readonly string[] {
  const segments = url.pathname.split('/').filter(Boolean).map(decoded);
  if (service === 's3') return [segments.join('/')];
  // …/functions/NAME/invocations, …/@connections/ID
  const at = segments.findIndex((segment) => segment === 'functions' || segment === '@connections');
  if (at >= 0) return forms(segments[at + 1] ?? '');
  const names = new Set<string>();
  collect(parsed(body), names);
  return [...names].flatMap(forms);
}

/** As given, and without what an ARN or a path puts before the name. */
function forms(name: string): string[] {
  const last = name.split(/[:/]/).at(-1) ?? name;
  return last === name ? [name] : [name, last];
}

function collect(value: unknown, names: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (NAMING.has(field) && typeof inner === 'string') names.add(inner);
    else if (field === 'RequestItems') for (const table of Object.keys(inner)) names.add(table);
    else collect(inner, names);
  }
}

function parsed(body: Buffer | undefined): unknown {
  try {
    return JSON.parse(body?.toString() ?? '');
  } catch {
    return undefined;
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
