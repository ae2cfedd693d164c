/** A stream of messages whose reader has left. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { MessageStream } from '../../../containers/agent/e2b/connect.ts';

it('tells of the reader that left, also whoever asks afterwards', () => {
  const messages = new MessageStream(new ServerResponse(new IncomingMessage(new Socket())));
  const told: string[] = [];
  messages.onClose(() => told.push('before'));
  messages.cut();
  messages.onClose(() => told.push('after'));
  expect(messages.isOpen).toBe(false);
  expect(told).toContain('after');
});
