import { expect, test } from 'vitest';
import { actionOf } from '../../../local/services/front-door/actions.ts';

const action = (service: string, request: string, headers: Record<string, string> = {}) => {
  const [method = '', target = ''] = request.split(' ');
  const url = new URL(target, 'http://127.0.0.1');
  return actionOf({ service, method, url, headers, target: undefined });
};

test.each([
  ['GET /', 'ListBuckets'],
  ['PUT /b', 'CreateBucket'],
  ['HEAD /b', 'HeadBucket'],
  ['GET /b?list-type=2', 'ListObjectsV2'],
  ['GET /b/?list-type=2&prefix=x', 'ListObjectsV2'],
  ['POST /b?delete', 'DeleteObjects'],
  ['GET /b/k/l', 'GetObject'],
  ['HEAD /b/k', 'HeadObject'],
  ['PUT /b/k', 'PutObject'],
  ['PUT /b/k?partNumber=1&uploadId=u', 'UploadPart'],
  ['POST /b/k?uploads', 'CreateMultipartUpload'],
  ['POST /b/k?uploadId=u', 'CompleteMultipartUpload'],
  ['DELETE /b/k?uploadId=u', 'AbortMultipartUpload'],
  ['DELETE /b/k', 'DeleteObject'],
  ['PATCH /b/k', 'PATCH /b/k'],
])('s3: %s is %s', (request, name) => {
  expect(action('s3', request)).toBe(name);
});

test('s3: a PUT that names a source is a copy', () => {
  expect(action('s3', 'PUT /b/k', { 'x-amz-copy-source': '/b/j' })).toBe('CopyObject');
});

test.each([
  ['lambda', 'POST /2015-03-31/functions/f/invocations', 'Invoke'],
  [
    'lambda',
    'POST /2021-11-15/functions/f/response-streaming-invocations',
    'InvokeWithResponseStream',
  ],
  ['execute-api', 'POST /ws/@connections/abc%3D', 'PostToConnection'],
  ['execute-api', 'DELETE /@connections/abc', 'DeleteConnection'],
  ['xray', 'POST /TraceSegments', 'POST /TraceSegments'],
])('%s: %s is %s', (service, request, name) => {
  expect(action(service, request)).toBe(name);
});
