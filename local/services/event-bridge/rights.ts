/** What PutEvents asks for: each entry its bus, with its source and detail type. */
import type { Right } from '../iam/decision.ts';
import { listOf, objectOf, parseObject, textOf } from '../shared/json-object.ts';

export function eventRights(
  operation: string,
  body: Buffer | undefined,
  busArn: (name: string) => string,
): Right[] {
  const action = `events:${operation}`;
  const entries = listOf(parseObject(body)['Entries']).map(objectOf);
  if (operation !== 'PutEvents' || entries.length === 0) return [{ action, resource: '*' }];
  return entries.map((entry) => {
    const bus = textOf(entry['EventBusName']) ?? 'default';
    return {
      action,
      resource: bus.startsWith('arn:') ? bus : busArn(bus),
      context: {
        'events:source': [textOf(entry['Source']) ?? ''],
        'events:detail-type': [textOf(entry['DetailType']) ?? ''],
      },
    };
  });
}
