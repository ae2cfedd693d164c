import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../local/services/event-bridge/event-pattern.ts';

const event = {
  source: 'aws.ecs',
  'detail-type': 'ECS Task State Change',
  resources: ['arn:1', 'arn:2'],
  detail: {
    lastStatus: 'RUNNING',
    version: 3,
    group: 'family:sandbox',
    stopCode: null,
    containers: [{ name: 'agent', exitCode: 137 }, { name: 'other' }],
  },
};

describe('an event pattern', () => {
  it.each([
    [{ source: ['aws.ecs'] }, true],
    [{ source: ['aws.s3', 'aws.ecs'] }, true],
    [{ source: ['aws.s3'] }, false],
    [{ resources: ['arn:2'] }, true],
    [{ detail: { lastStatus: ['STOPPED', 'RUNNING'], version: [3] } }, true],
    [{ detail: { lastStatus: ['RUNNING'], version: [4] } }, false],
    [{ detail: { stopCode: [null] } }, true],
    [{ detail: { group: [{ prefix: 'family:' }] } }, true],
    [{ detail: { group: [{ suffix: 'box' }] } }, true],
    [{ detail: { group: [{ wildcard: 'fam*:*box' }] } }, true],
    [{ detail: { lastStatus: [{ 'equals-ignore-case': 'running' }] } }, true],
    [{ detail: { lastStatus: [{ 'anything-but': ['STOPPED', 'PENDING'] }] } }, true],
    [{ detail: { lastStatus: [{ 'anything-but': 'RUNNING' }] } }, false],
    [{ detail: { group: [{ 'anything-but': { prefix: 'service:' } }] } }, true],
    [{ detail: { nothing: [{ 'anything-but': 'x' }] } }, false],
    [{ detail: { version: [{ numeric: ['>', 2, '<=', 3] }] } }, true],
    [{ detail: { version: [{ numeric: ['<', 3] }] } }, false],
    [{ detail: { stopCode: [{ exists: true }], nothing: [{ exists: false }] } }, true],
    [{ detail: { nothing: [{ exists: true }] } }, false],
    [{ detail: { containers: { exitCode: [{ numeric: ['>=', 128] }] } } }, true],
    [{ detail: { containers: { name: ['nobody'] } } }, false],
    [{ detail: { lastStatus: { deeper: ['x'] } } }, false],
  ])('%j: %s', (pattern, expected) => {
    expect(compilePattern(pattern)(event)).toBe(expected);
  });

  it.each([
    [{ source: [{ cidr: '10.0.0.0/8' }] }, /not an operator that this machine knows/],
    [{ source: [] }, /source is an empty list/],
    [{ source: 'aws.ecs' }, /source must be a list or an object/],
    [{ detail: { version: [{ numeric: ['>'] }] } }, /numeric takes pairs/],
  ])('%j is refused', (pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(message);
  });

  it('never throws on any event', () => {
    const matches = compilePattern({
      source: [{ prefix: 'aws.' }],
      detail: { a: { b: [{ numeric: ['>', 0] }, { exists: false }] } },
    });
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(typeof matches(json)).toBe('boolean');
      }),
    );
  });
});
