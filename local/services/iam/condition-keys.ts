/**
 * The condition keys that have a value on this machine, in lower case, and the services whose requests are checked.
 * A statement of these services with another key could not be decided, so it is refused when it is read.
 */
export const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'aws:principalarn',
  'aws:securetransport',
  'aws:sourceaccount',
  'aws:sourcearn',
  'dynamodb:leadingkeys',
  'ecs:cluster',
  'ecs:createaction',
  'events:detail-type',
  'events:source',
  'iam:passedtoservice',
  'lambda:sourcefunctionarn',
  's3:prefix',
]);

export const CHECKED_SERVICES: readonly string[] = [
  'dynamodb',
  'ecs',
  'events',
  'execute-api',
  'iam',
  'lambda',
  's3',
  'states',
];
