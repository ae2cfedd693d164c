/**
 * The IAM name of what a request asks for: from `X-Amz-Target` where there is one, else from method and path.
 * For counting only: nothing is allowed or refused by it.
 */
export interface ActionInput {
  readonly service: string;
  readonly method: string;
  readonly url: URL;
  readonly target: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

type Rule = (input: ActionInput) => string | undefined;

const rules: Readonly<Record<string, Rule>> = {
  lambda: lambdaAction,
  s3: s3Action,
  'execute-api': executeApiAction,
};

export function actionOf(input: ActionInput): string {
  if (input.target !== undefined) return input.target.slice(input.target.lastIndexOf('.') + 1);
  return rules[input.service]?.(input) ?? `${input.method} ${input.url.pathname}`;
}

function lambdaAction({ method, url }: ActionInput): string | undefined {
  if (method !== 'POST') return undefined;
  if (url.pathname.endsWith('/response-streaming-invocations')) return 'InvokeWithResponseStream';
  if (url.pathname.endsWith('/invocations')) return 'Invoke';
  return undefined;
}

function executeApiAction({ method, url }: ActionInput): string | undefined {
  if (!url.pathname.includes('/@connections/')) return undefined;
  const names: Record<string, string> = {
    GET: 'GetConnection',
    POST: 'PostToConnection',
    DELETE: 'DeleteConnection',
  };
  return names[method];
}

function s3Action(input: ActionInput): string | undefined {
  const [, bucket, ...key] = input.url.pathname.split('/');
  if (!bucket) return input.method === 'GET' ? 'ListBuckets' : undefined;
  return key.join('/') === '' ? bucketAction(input) : objectAction(input);
}

function bucketAction({ method, url: { searchParams: query } }: ActionInput): string | undefined {
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'PostObject';
  if (method === 'PUT') return query.size === 0 ? 'CreateBucket' : undefined;
  if (method === 'DELETE') return 'DeleteBucket';
  if (method === 'HEAD') return 'HeadBucket';
  if (method !== 'GET') return undefined;
  if (query.has('uploads')) return 'ListMultipartUploads';
  return query.has('list-type') ? 'ListObjectsV2' : 'ListObjects';
}

function objectAction({ method, url, headers }: ActionInput): string | undefined {
  const query = url.searchParams;
  if (method === 'POST') {
    return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  }
  if (method === 'GET') return query.has('uploadId') ? 'ListParts' : 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method !== 'PUT') return undefined;
  if (query.has('partNumber')) return 'UploadPart';
  return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
}
