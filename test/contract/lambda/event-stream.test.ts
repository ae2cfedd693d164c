import { EventStreamCodec } from '@smithy/core/event-streams';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { invokeComplete, payloadChunk } from '../../../local/services/lambda/event-stream.ts';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (text) => Buffer.from(text),
);

test('any payload decodes with the codec of the AWS SDK to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (payload) => {
      const { headers, body } = codec.decode(Buffer.concat(payloadChunk(payload)));

      expect(headers[':event-type']?.value).toBe('PayloadChunk');
      expect(headers[':message-type']?.value).toBe('event');
      expect(Buffer.from(body)).toEqual(Buffer.from(payload));
    }),
  );
});

test('the end carries the error, or nothing', () => {
  const clean = codec.decode(Buffer.concat(invokeComplete()));
  const failed = codec.decode(Buffer.concat(invokeComplete({ code: 'X', details: 'ü' })));

  expect(clean.headers[':event-type']?.value).toBe('InvokeComplete');
  expect(Buffer.from(clean.body).toString()).toBe('{}');
  expect(JSON.parse(Buffer.from(failed.body).toString())).toEqual({
    ErrorCode: 'X',
    ErrorDetails: 'ü',
  });
});
