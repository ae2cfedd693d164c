import { expect, test } from 'vitest';
import { costTable } from '../../../bench/costs/measure.ts';
import { bill, type Run } from '../../../bench/costs/usage.ts';

const FUNCTIONS = [
  { functionName: 'ci-authorizer', invocations: 4, busyMs: 40, memoryMb: 512 },
  { functionName: 'ci-executions', invocations: 1, busyMs: 300_000, memoryMb: 512 },
];
const REQUESTS = [
  { service: 's3', action: 'PutObject', count: 2 },
  { service: 's3', action: 'GetObject', count: 3 },
  { service: 'execute-api', action: 'PostToConnection', count: 5 },
  { service: 'execute-api', action: '$connect', count: 1 },
  { service: 'events', action: 'PutEvents', count: 1 },
];
const RUN: Run = {
  usage: {
    functions: FUNCTIONS,
    requests: REQUESTS,
    transitions: 5,
    readUnits: 10,
    writeUnits: 20,
  },
  taskSeconds: 345,
  outputBytes: 25 * 1024 * 1024,
};

test('what was counted is billed as AWS bills it', () => {
  const amounts = Object.fromEntries(bill(RUN).map(({ what, amount }) => [what, amount]));
  expect(amounts).toEqual({
    'Fargate, 1 vCPU and 2 GB, seconds': 345,
    'Lambda, GB-seconds': expect.closeTo(150.02),
    'Lambda, calls': 5,
    'DynamoDB, write units': 20,
    'DynamoDB, read units': 10,
    'Step Functions, transitions': 5,
    // Each that met the authorizer, and each further 10 MB of the stream.
    'REST requests': 4 + 2,
    'WebSocket messages': 5,
    'S3, writes': 2,
    'S3, reads': 3,
    'events put': 1,
    'logs, GB': expect.closeTo(0.000006),
  });
  const usd = Object.fromEntries(bill(RUN).map((line) => [line.what, line.usd]));
  expect(usd['Fargate, 1 vCPU and 2 GB, seconds']).toBeCloseTo(
    (345 * (0.04048 + 2 * 0.004445)) / 3600,
    6,
  );
  expect(usd['Lambda, GB-seconds']).toBeCloseTo(0.0025, 4);
  expect(usd['Step Functions, transitions']).toBeCloseTo(0.000125, 6);
});

test('the table has a column for each program and their sums', () => {
  const lines = bill(RUN);
  const rows = costTable([
    { program: 'silent', lines },
    { program: 'chatty', lines },
  ]).split('\n');
  expect(rows[0]).toBe('| a thousand sandboxes | silent | $ | chatty | $ |');
  expect(rows).toHaveLength(2 + lines.length + 1);
  const sum = lines.reduce((total, { usd }) => total + usd, 0).toFixed(3);
  expect(rows.at(-1)).toBe(`| **together** |  | **${sum}** |  | **${sum}** |`);
});
