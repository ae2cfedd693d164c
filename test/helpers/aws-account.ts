/**
 * An AWS account as its read-only calls show it: answers in the services' own wire shapes, with the
 * codes and words that they refuse with. Takes only requests whose signature holds.
 */
import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { parseAuthorization, verifySignature } from '../../local/services/sigv4.ts';

export const ACCOUNT = '111122223333';
const KEY = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a-secret-of-the-test' };

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `service.Action` → what is answered. */
export type Answers = Readonly<Record<string, WireAnswer | ((input: string) => WireAnswer)>>;

export const json = (body: unknown): WireAnswer => ({ status: 200, body: JSON.stringify(body) });
export const xml = (body: string): WireAnswer => ({
  status: 200,
  body: `<?xml version="1.0"?>\n${body}`,
});

/** As the query protocol refuses. */
export const xmlRefusal = (status: number, code: string, message: string): WireAnswer => ({
  status,
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`,
});

/** EC2 has a shape of its own. */
export const ec2Refusal = (code: string, message: string): WireAnswer => ({
  status: 403,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
});

/** As the JSON protocols refuse. */
export const jsonRefusal = (code: string, message: string): WireAnswer => ({
  status: 400,
  body: JSON.stringify({ __type: `com.amazonaws.service#${code}`, message }),
});

export const quotaOf = (value: number) => json({ Quota: { QuotaName: 'q', Value: value } });
export const stackOf = (status: string) =>
  xml(
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName><StackStatus>${status}</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
const noStack = (input: string) =>
  xmlRefusal(
    400,
    'ValidationError',
    `Stack with id ${new URLSearchParams(input).get('StackName')} does not exist`,
  );
export const lambdaOf = (all: number, free: number) =>
  json({ AccountLimit: { ConcurrentExecutions: all, UnreservedConcurrentExecutions: free } });

export const byQuota = (values: Readonly<Record<string, number>>) => (input: string) =>
  quotaOf(values[JSON.parse(input).QuotaCode] ?? 0);

/** An account in which everything was prepared, and nothing deployed. */
export const PREPARED: Answers = {
  'sts.GetCallerIdentity': xml(
    `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::${ACCOUNT}:assumed-role/deployer/me</Arn><UserId>AROA:me</UserId><Account>${ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
  ),
  'ssm.GetParameter': json({ Parameter: { Name: 'v', Type: 'String', Value: '31' } }),
  'iam.GetRole': xml('<GetRoleResponse><GetRoleResult><Role/></GetRoleResult></GetRoleResponse>'),
  'apigateway.GET /account': json({ cloudwatchRoleArn: `arn:aws:iam::${ACCOUNT}:role/logs` }),
  'servicequotas.GetServiceQuota': byQuota({ 'L-3032A538': 140, 'L-F678F1CE': 5 }),
  'lambda.GET /2016-08-19/account-settings': lambdaOf(1_000, 1_000),
  'ec2.DescribeVpcs': xml(
    '<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>',
  ),
  'cloudformation.DescribeStacks': noStack,
};

export interface AwsAccount extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  /** `service.Action` of each request, as it came. */
  readonly asked: string[];
}

export async function awsAccount(over: Answers = {}): Promise<AwsAccount> {
  const answers = { ...PREPARED, ...over };
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const verified = verifySignature({
      request: incoming,
      bodySha256: hash('sha256', body),
      secretFor: (id) => (id === KEY.accessKeyId ? KEY.secretAccessKey : undefined),
      now: Date.now(),
    });
    const { service } = parseAuthorization(incoming);
    const action = `${service}.${actionOf(incoming, body.toString())}`;
    asked.push(action);
    const found = answers[action];
    if (!verified.ok || !found) throw new Error(`${action}: ${JSON.stringify(verified)}`);
    const told = typeof found === 'function' ? found(body.toString()) : found;
    response.writeHead(told.status, told.headers).end(told.body);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      AWS_REGION: 'eu-central-1',
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function actionOf(incoming: IncomingMessage, body: string): string {
  const target = incoming.headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.')[1] ?? target;
  return new URLSearchParams(body).get('Action') ?? `${incoming.method} ${incoming.url}`;
}
