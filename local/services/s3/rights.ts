/** What a request to S3 asks for, told from its method, its path and the names in its query. */
import type { IncomingMessage } from 'node:http';
import type { Right } from '../iam/decision.ts';
import { splitTarget } from '../shared/canonical-request.ts';
import { parseTarget, type Target } from './routes.ts';

const bucketArn = (bucket: string) => `arn:aws:s3:::${bucket}`;

/** Of whoever may list, an object that is not there is told apart from one that may not be read. */
export const listRight = (bucket: string, prefix?: string): Right => ({
  action: 's3:ListBucket',
  resource: bucketArn(bucket),
  ...(prefix === undefined ? {} : { context: { 's3:prefix': [prefix] } }),
});

export function s3Rights(incoming: IncomingMessage): Right[] {
  const { path, query: text } = splitTarget(incoming.url ?? '/');
  const query = new URLSearchParams(text);
  const method = incoming.method ?? 'GET';
  const target = targetOf(path);
  if (target.key === '') return [bucketRight(method, target.bucket, query)];
  const right = objectRight(method, target, query);
  const source = incoming.headers['x-amz-copy-source'];
  if (typeof source !== 'string' || method !== 'PUT') return [right];
  const from = targetOf(source.startsWith('/') ? source : `/${source}`);
  return [right, { action: 's3:GetObject', resource: `${bucketArn(from.bucket)}/${from.key}` }];
}

function bucketRight(method: string, bucket: string, query: URLSearchParams): Right {
  if (method === 'HEAD' || (method === 'GET' && query.has('list-type')))
    return listRight(bucket, query.get('prefix') ?? undefined);
  // The keys stand in a body that is not read yet: who deletes many must be allowed to delete all.
  if (method === 'POST' && query.has('delete'))
    return { action: 's3:DeleteObject', resource: `${bucketArn(bucket)}/*` };
  if (method === 'GET' && query.has('uploads'))
    return { action: 's3:ListBucketMultipartUploads', resource: bucketArn(bucket) };
  return { action: `s3:${method}Bucket`, resource: bucketArn(bucket) };
}

function objectRight(method: string, { bucket, key }: Target, query: URLSearchParams): Right {
  const resource = `${bucketArn(bucket)}/${key}`;
  const isUpload = query.has('uploadId');
  switch (method) {
    case 'GET':
      return { action: isUpload ? 's3:ListMultipartUploadParts' : 's3:GetObject', resource };
    case 'HEAD':
      return { action: 's3:GetObject', resource };
    case 'DELETE':
      return { action: isUpload ? 's3:AbortMultipartUpload' : 's3:DeleteObject', resource };
    // Every step of a multipart upload, too.
    default:
      return { action: 's3:PutObject', resource };
  }
}

/** A path that cannot be read names nothing that anybody may touch. */
function targetOf(path: string): Target {
  try {
    return parseTarget(path);
  } catch {
    return { bucket: '', key: '' };
  }
}
