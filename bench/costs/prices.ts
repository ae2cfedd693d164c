/**
 * The list prices that costs are reckoned with: us-east-1, US dollars, without free tiers, taxes or
 * discounts. Data, dated; a price that changes is changed here and nowhere else.
 */
export const PRICES_AT = '2026-11-21';
export const PRICES_REGION = 'us-east-1';

export interface Price {
  readonly usd: number;
  /** For how much. */
  readonly per: string;
  /** AWS's page of it. */
  readonly page: string;
  /** How it was come by: read in price data or documents, told by a third party, or from memory. */
  readonly known: 'read' | 'third party' | 'memory';
}

const price = (usd: number, per: string, page: string, known: Price['known']): Price => ({
  usd,
  per,
  page: `https://aws.amazon.com/${page}/pricing/`,
  known,
});

export const PRICES = {
  endpointHour: price(0.01, 'hour of an interface endpoint in one zone', 'privatelink', 'read'),
  fargateVcpuHour: price(0.04048, 'vCPU-hour, x86_64', 'fargate', 'third party'),
  fargateGbHour: price(0.004445, 'GB-hour, x86_64', 'fargate', 'third party'),
  fargateArmVcpuHour: price(0.03238, 'vCPU-hour, arm64', 'fargate', 'third party'),
  fargateArmGbHour: price(0.00356, 'GB-hour, arm64', 'fargate', 'third party'),
  lambdaRequest: price(0.2 / 1e6, 'request', 'lambda', 'memory'),
  lambdaGbSecond: price(0.0000166667, 'GB-second, x86_64', 'lambda', 'memory'),
  lambdaArmGbSecond: price(0.0000133334, 'GB-second, arm64', 'lambda', 'memory'),
  writeUnit: price(0.625 / 1e6, 'write request unit', 'dynamodb', 'memory'),
  readUnit: price(0.125 / 1e6, 'read request unit', 'dynamodb', 'memory'),
  s3Put: price(0.005 / 1e3, 'PUT, COPY, POST or LIST', 's3', 'memory'),
  s3Get: price(0.0004 / 1e3, 'GET', 's3', 'memory'),
  s3GbMonth: price(0.023, 'GB-month', 's3', 'memory'),
  transition: price(0.025 / 1e3, 'state transition', 'step-functions', 'read'),
  restRequest: price(3.5 / 1e6, 'REST request, or 10 MB of a stream', 'api-gateway', 'memory'),
  socketMessage: price(1 / 1e6, 'WebSocket message of 32 KB', 'api-gateway', 'third party'),
  socketMinute: price(0.25 / 1e6, 'connection-minute', 'api-gateway', 'third party'),
  customEvent: price(1 / 1e6, 'event put', 'eventbridge', 'memory'),
  logGb: price(0.5, 'GB of logs taken in', 'cloudwatch', 'memory'),
  alarmMetric: price(0.1, 'metric of an alarm, month', 'cloudwatch', 'memory'),
  customMetric: price(0.3, 'metric of our own with data, month', 'cloudwatch', 'memory'),
  dashboard: price(3, 'dashboard, month', 'cloudwatch', 'memory'),
  trace: price(5 / 1e6, 'trace recorded', 'xray', 'memory'),
  firewallDomain: price(0.0005, 'domain of a DNS firewall list, month', 'route53', 'memory'),
} as const satisfies Record<string, Price>;

export const HOURS_A_MONTH = 730;
