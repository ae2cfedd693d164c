/**
 * Rights that only AWS uses on our behalf: no code of ours asks for them, so no scenario can fail without them here.
 * Each stands with the document that demands it. A right that is in neither this table nor `proven.json` fails a test.
 */
interface OnBehalf {
  /** Logical ids of roles begin like this; `*` for all. */
  readonly roles: readonly string[];
  readonly actions: readonly string[];
  readonly because: string;
  readonly document: string;
}

export const ON_BEHALF: readonly OnBehalf[] = [
  {
    roles: ['*'],
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    because: 'Lambda writes the log of a function with its execution role',
    document: 'https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html',
  },
  {
    roles: ['*'],
    actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
    because: 'Lambda and Step Functions send the traces of the prod profile',
    document: 'https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html',
  },
  {
    roles: ['AgentGateway', 'OpenAgentGateway'],
    actions: [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ],
    because: 'Lambda makes the interfaces of a function in a VPC with its execution role',
    document: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html',
  },
  {
    roles: ['Lifecycle'],
    actions: [
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
    ],
    because: 'Step Functions sets up the delivery of its log with the role of the machine',
    document: 'https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html',
  },
  {
    roles: ['Lifecycle'],
    actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'],
    because: 'Step Functions asks what to trace in the prod profile',
    document: 'https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html',
  },
  {
    roles: ['SandboxExecutionRole'],
    actions: [
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:GetAuthorizationToken',
      'ecr:GetDownloadUrlForLayer',
    ],
    because: 'Fargate pulls the image with the execution role of the task',
    document:
      'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html',
  },
  {
    roles: ['ClosedVpcRejected', 'OpenVpcRejected'],
    actions: ['logs:DescribeLogStreams'],
    because: 'EC2 writes the flow log of a VPC with the role of that log',
    document: 'https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html',
  },
  {
    roles: ['TaskEvents'],
    actions: ['sqs:SendMessage'],
    because:
      'Lambda sends an event that was given up with the function’s role; here that takes two retries, of 60 and 120 s',
    document: 'https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html',
  },
];

/** `roleId`: the logical id of a role, with or without its hash. */
export const isOnBehalf = (roleId: string, action: string): boolean =>
  ON_BEHALF.some(
    ({ roles, actions }) =>
      actions.includes(action) && roles.some((name) => name === '*' || roleId.startsWith(name)),
  );
