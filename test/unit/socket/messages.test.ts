import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../contract/errors.ts';
import { readFromServer } from '../../../contract/socket/from-server.ts';
import { SOCKET_LIMITS } from '../../../contract/socket/limits.ts';
import { parseToServer } from '../../../contract/socket/to-server.ts';
import { executionId, sandboxId } from '../../helpers/records.ts';

const head = { id: 'm1', timestamp: 1, version: '1', source: 'test' };
const refusal = (message: unknown): AppError => {
  try {
    parseToServer(message);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe('a message to the server', () => {
  test('is read with its payload by its type, and `delivery` is 1 where it is not given', () => {
    const execution = executionId();
    expect(
      parseToServer({ ...head, type: 'subscribe', payload: { executionId: execution, after: 3 } }),
    ).toMatchObject({ type: 'subscribe', payload: { executionId: execution, delivery: 1 } });
  });

  test('of an unknown type is refused with those that there are', () => {
    const { code, message } = refusal({ ...head, type: 'execution.stop', payload: {} });
    expect(code).toBe('VALIDATION_ERROR');
    expect(message).toMatch(/type must be one of execution\.start, .*, got "execution\.stop"/);
  });

  test.each([
    ['no object', 'hello', /message/],
    ['no id', { ...head, id: undefined, type: 'system.ping', payload: {} }, /id is required/],
    ['another version', { ...head, version: '2', type: 'system.ping', payload: {} }, /version/],
    ['an unknown field', { ...head, type: 'system.ping', payload: {}, x: 1 }, /x is not a known/],
    ['a field too many', { ...head, type: 'system.ping', payload: { x: 1 } }, /x is not a known/],
    ['no target', { ...head, type: 'subscribe', payload: {} }, /executionId/],
    [
      'a negative seq',
      { ...head, type: 'ack', payload: { executionId: executionId(), seq: -1 } },
      /seq must be at least 0/,
    ],
    [
      'two targets',
      {
        ...head,
        type: 'subscribe',
        payload: { executionId: executionId(), sandboxId: sandboxId() },
      },
      /not a known field/,
    ],
  ])('with %s is refused by name', (_, message, problem) => {
    expect(refusal(message).message).toMatch(problem);
  });

  test('never echoes code, env or stdin', () => {
    const payload = { sandboxId: sandboxId(), code: 'x', env: { A: 7 } };
    const told = refusal({ ...head, type: 'execution.start', payload });
    expect(JSON.stringify([told.message, told.details])).not.toContain('7');
  });

  test('whatever it is, is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (message) => {
        expect(refusal({ ...head, type: 'ack', payload: message }).code).toBe('VALIDATION_ERROR');
        expect(refusal(message).code).toBe('VALIDATION_ERROR');
        expect(readFromServer(message)).toBeUndefined();
      }),
    );
  });
});

describe('a message from the server', () => {
  test('holds the largest event that is pushed', () => {
    const event = { seq: 1, at: new Date().toISOString(), type: 'stdout' as const };
    const room = SOCKET_LIMITS.eventBytes - JSON.stringify({ ...event, text: '' }).length;
    const payload = {
      executionId: executionId(),
      events: [{ ...event, text: 'x'.repeat(room) }],
    };
    const message = { ...head, id: 'i'.repeat(192), type: 'execution.output', payload };
    expect(readFromServer(message)).toBeDefined();
    expect(JSON.stringify(message).length).toBeLessThan(SOCKET_LIMITS.messageBytes);
  });

  test('is read also where a later version has added to it', () => {
    const message = { ...head, type: 'system.pong', payload: { extra: 1 }, extra: true };
    expect(readFromServer(message)).toMatchObject({ type: 'system.pong' });
  });

  test('of a type that is not known is passed over', () => {
    expect(readFromServer({ ...head, type: 'toString', payload: {} })).toBeUndefined();
    expect(readFromServer({ ...head, type: 'file.change', payload: {} })).toBeUndefined();
  });
});
