/**
 * Which operation of S3 a request is, told from its method, its path and the names in its query.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { notServed, S3Error } from './errors.ts';
import { type Exchange, sendEmpty } from './exchange.ts';
import { listObjectsV2 } from './list-objects.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
} from './multipart.ts';
import { getObject, headObject } from './read-object.ts';
import { copyObject, deleteObject, deleteObjects, putObject } from './write-object.ts';

export type Operation = (exchange: Exchange) => Promise<void>;

export interface Target {
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
}

/** Parameters that turn a request into another operation, so that one which is not served is never taken for a plain one. */
const SUBRESOURCES = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
];

const ON_BUCKET: Readonly<Record<string, Operation>> = {
  HEAD: async ({ response }) => sendEmpty(response, 200),
  'GET list-type': listObjectsV2,
  'POST delete': deleteObjects,
};

const ON_OBJECT: Readonly<Record<string, Operation>> = {
  GET: getObject,
  HEAD: headObject,
  PUT: putObject,
  'PUT copy': copyObject,
  'PUT partNumber,uploadId': uploadPart,
  DELETE: deleteObject,
  'DELETE uploadId': abortMultipartUpload,
  'POST uploads': createMultipartUpload,
  'POST uploadId': completeMultipartUpload,
};

/** Path style: `/bucket/key`. The key is taken as sent, with dots and double slashes. */
export function parseTarget(path: string): Target {
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  } catch {
    throw new S3Error('InvalidURI', 400, "Couldn't parse the specified URI.");
  }
}

export function operationOf(
  method: string,
  key: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
): Operation {
  const marks = SUBRESOURCES.filter((name) => query.has(name));
  if (key === '' && query.get('list-type') === '2') marks.push('list-type');
  if (key !== '' && headers['x-amz-copy-source'] !== undefined) marks.push('copy');
  const name = [method, marks.join(',')].filter((part) => part !== '').join(' ');
  const operations = key === '' ? ON_BUCKET : ON_OBJECT;
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation !== undefined) return operation;
  throw notServed(`'${name}' on ${key === '' ? 'a bucket' : 'an object'}`);
}
