import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../../local/services/step-functions/interpreter/definition.ts';
import { machineOf, task } from '../../helpers/state-machine.ts';

const pass = { Type: 'Pass', End: true };

describe('a definition', () => {
  it('may say JSONata as a whole or state by state', () => {
    expect(parseDefinition(machineOf({ A: pass })).StartAt).toBe('A');
    const own = { StartAt: 'A', States: { A: { ...pass, QueryLanguage: 'JSONata' } } };
    expect(parseDefinition(JSON.stringify(own)).StartAt).toBe('A');
  });

  it.each([
    [
      'JSONPath by default',
      { StartAt: 'A', States: { A: pass } },
      /"A" is in JSONPath.*"QueryLanguage": "JSONata"/,
    ],
    ['JSONPath in one state', { A: { ...pass, QueryLanguage: 'JSONPath' } }, /"A" is in JSONPath/],
    ['fields of JSONPath', { A: { ...pass, ResultPath: '$.x' } }, /States\.A.*ResultPath/],
    [
      'a state that it does not run',
      { A: { Type: 'Map', End: true } },
      /"A" is a Map; this machine runs Task, Pass/,
    ],
    [
      'another resource',
      { A: { ...task('A'), Resource: 'arn:aws:states:::sqs:sendMessage', End: true } },
      /lambda:invoke/,
    ],
    [
      'arguments of Lambda that it would ignore',
      { A: task('A', { Arguments: { FunctionName: 'a', InvocationType: 'Event' }, End: true }) },
      /InvocationType/,
    ],
    [
      'a start that is not there',
      machineOf({ A: pass }, { StartAt: 'B' }),
      /StartAt names the state "B"/,
    ],
    ['a next that is not there', { A: { Type: 'Pass', Next: 'B' } }, /"A" names the state "B"/],
    [
      'a catcher that leads nowhere',
      { A: task('A', { Catch: [{ ErrorEquals: ['E'], Next: 'B' }], End: true }) },
      /"A" names the state "B"/,
    ],
    [
      'a choice that leads nowhere',
      { A: { Type: 'Choice', Choices: [{ Condition: true, Next: 'B' }] } },
      /"A" names the state "B"/,
    ],
    ['neither Next nor End', { A: { Type: 'Pass' } }, /exactly one of Next and End/],
    [
      'both Next and End',
      { A: { Type: 'Pass', Next: 'A', End: true } },
      /exactly one of Next and End/,
    ],
    [
      'what is no JSONata',
      { A: { ...pass, Output: { x: ['{% 1 + %}'] } } },
      /"A": "\{% 1 \+ %\}" is no JSONata/,
    ],
    ['a timeout of zero', { A: task('A', { TimeoutSeconds: 0, End: true }) }, /TimeoutSeconds/],
    [
      'a timeout of half a second',
      { A: task('A', { TimeoutSeconds: 0.5, End: true }) },
      /TimeoutSeconds/,
    ],
    [
      'a heartbeat as long as the timeout',
      { A: task('A', { TimeoutSeconds: 5, HeartbeatSeconds: 5, End: true }) },
      /HeartbeatSeconds \(5\) must be less/,
    ],
    [
      'a wait for nothing',
      { A: { Type: 'Wait', End: true } },
      /exactly one of Seconds and Timestamp/,
    ],
    ['a variable called states', { A: { ...pass, Assign: { states: 1 } } }, /Assign/],
    ['what is no JSON', '{', /not JSON/],
  ])('is refused for %s', (_what, given, message) => {
    const isStates = typeof given === 'object' && !('States' in given);
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    expect(() => parseDefinition(isStates ? machineOf(given) : text)).toThrow(message);
  });
});
