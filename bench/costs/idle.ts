/**
 * What a deployment costs in a month in which nobody calls, resource by resource, read from its
 * template. A type is priced or named as free; one that is neither is an error, so that none slips in.
 */
import { FREE_WHEN_IDLE } from './free-when-idle.ts';
import { HOURS_A_MONTH, PRICES } from './prices.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a template has whatever shape its types have
type Properties = Readonly<Record<string, any>>;
export interface Template {
  readonly Resources: Readonly<Record<string, { Type: string; Properties?: Properties }>>;
}

export interface IdleCost {
  readonly what: string;
  readonly count: number;
  /** Of all of them together. */
  readonly monthlyUsd: number;
  readonly because: string;
}

interface Reckoned {
  readonly what: string;
  readonly monthlyUsd: number;
  readonly because: string;
}

type Reckon = (properties: Properties, template: Template) => Reckoned;

/** What the minute's run does while there is nothing to do. Run time is an upper guess for AWS. */
const IDLE_RUN = { memoryGb: 0.5, seconds: 0.3, readUnits: 6, logBytes: 1_200 } as const;

export const PRICED: Readonly<Record<string, Reckon>> = {
  'AWS::EC2::VPCEndpoint': (properties) => {
    const zones = properties['SubnetIds']?.length ?? 0;
    return properties['VpcEndpointType'] === 'Interface'
      ? {
          what: `interface endpoint in ${zones} ${zones === 1 ? 'zone' : 'zones'}`,
          monthlyUsd: zones * HOURS_A_MONTH * PRICES.endpointHour.usd,
          because: 'the pull of images without a way to the internet',
        }
      : { what: 'gateway endpoint', monthlyUsd: 0, because: 'free' };
  },
  'AWS::ECS::TaskDefinition': warmTasks,
  'AWS::Events::Rule': idleRuns,
  'AWS::CloudWatch::Alarm': (properties) => {
    const metrics = (properties['Metrics'] as { MetricStat?: unknown }[] | undefined)?.filter(
      ({ MetricStat }) => MetricStat,
    ).length;
    return {
      what: `alarm on ${metrics === 2 ? 'two metrics' : 'a metric'}`,
      monthlyUsd: (metrics ?? 1) * PRICES.alarmMetric.usd,
      because: 'the first 10 of an account are free, and counted here',
    };
  },
  'AWS::CloudWatch::Dashboard': () => ({
    what: 'dashboard',
    monthlyUsd: PRICES.dashboard.usd,
    because: 'the first 3 of an account with up to 50 metrics are free, and counted here',
  }),
  'AWS::Logs::MetricFilter': (properties, template) => ({
    what: 'metric of a log with data',
    monthlyUsd: hasDataWhenIdle(properties, template) ? PRICES.customMetric.usd : 0,
    because: 'the count of running tasks has data while a pool keeps some',
  }),
  'AWS::Route53Resolver::FirewallDomainList': (properties) => ({
    what: 'DNS firewall list',
    monthlyUsd: properties['Domains'].length * PRICES.firewallDomain.usd,
    because: 'by name in the list; a million queries are $0.60',
  }),
};

/** Tasks that wait in the pools, of the size and architecture of the definition. */
function warmTasks(properties: Properties, template: Template): Reckoned {
  const count = poolTargets(template);
  const isArm = properties['RuntimePlatform']['CpuArchitecture'] === 'ARM64';
  const vcpus = Number(properties['Cpu']) / 1024;
  const gb = Number(properties['Memory']) / 1024;
  const hourly = isArm
    ? vcpus * PRICES.fargateArmVcpuHour.usd + gb * PRICES.fargateArmGbHour.usd
    : vcpus * PRICES.fargateVcpuHour.usd + gb * PRICES.fargateGbHour.usd;
  return {
    what: `warm pool: ${count} of ${vcpus} vCPU and ${gb} GB, ${isArm ? 'arm64' : 'x86_64'}`,
    monthlyUsd: count * HOURS_A_MONTH * hourly,
    because: 'a claim instead of a cold start; poolTarget=0 gives it up',
  };
}

function poolTargets(template: Template): number {
  const { Environment } = functionNamed(template, 'pool');
  const { POOL_TARGET, OPEN_POOL_TARGET } = Environment.Variables as Record<string, string>;
  return Number(POOL_TARGET) + Number(OPEN_POOL_TARGET);
}

const hasDataWhenIdle = (properties: Properties, template: Template): boolean =>
  properties['MetricTransformations'][0].MetricName === 'RunningTasks' && poolTargets(template) > 0;

function functionNamed(template: Template, name: string): Properties {
  const found = Object.values(template.Resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function' && Properties?.['FunctionName']?.endsWith(`-${name}`),
  );
  if (!found?.Properties) throw new Error(`the template has no function ${name}`);
  return found.Properties;
}

/** A schedule invokes the pool whether anybody calls or not. */
function idleRuns(properties: Properties, template: Template): Reckoned {
  const schedule = properties['ScheduleExpression'] as string | undefined;
  if (schedule === undefined)
    return { what: 'rule on events', monthlyUsd: 0, because: 'free for events of AWS' };
  const runs = RUNS_A_MONTH[schedule];
  if (runs === undefined) throw new Error(`no count of runs for the schedule ${schedule}`);
  const { Architectures, TracingConfig } = functionNamed(template, 'pool');
  const gbSecond =
    Architectures?.[0] === 'arm64' ? PRICES.lambdaArmGbSecond.usd : PRICES.lambdaGbSecond.usd;
  const run =
    PRICES.lambdaRequest.usd +
    IDLE_RUN.memoryGb * IDLE_RUN.seconds * gbSecond +
    IDLE_RUN.readUnits * PRICES.readUnit.usd +
    (IDLE_RUN.logBytes / 1e9) * PRICES.logGb.usd +
    (TracingConfig?.Mode === 'Active' ? PRICES.trace.usd : 0);
  return {
    what: `schedule ${schedule}`,
    monthlyUsd: runs * run,
    because: `${Math.round(runs)} runs of the pool function: its time, reads, log and trace`,
  };
}

const RUNS_A_MONTH: Readonly<Record<string, number>> = {
  'rate(1 minute)': 60 * HOURS_A_MONTH,
  'rate(1 day)': HOURS_A_MONTH / 24,
};

/** Dearest first; what is free is left out, but for its types being known. */
export function idleCosts(...templates: readonly Template[]): IdleCost[] {
  const lines = new Map<string, IdleCost>();
  for (const template of templates) {
    for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
      if (Type in FREE_WHEN_IDLE) continue;
      const reckon = PRICED[Type];
      if (!reckon) throw new Error(`${id}: ${Type} is neither priced nor named as free when idle`);
      const { what, monthlyUsd, because } = reckon(Properties, template);
      const known = lines.get(what);
      lines.set(what, {
        what,
        because,
        count: (known?.count ?? 0) + (monthlyUsd > 0 ? 1 : 0),
        monthlyUsd: (known?.monthlyUsd ?? 0) + monthlyUsd,
      });
    }
  }
  return [...lines.values()]
    .filter(({ monthlyUsd }) => monthlyUsd > 0)
    .sort((a, b) => b.monthlyUsd - a.monthlyUsd);
}

export const totalOf = (costs: readonly IdleCost[]): number =>
  costs.reduce((sum, { monthlyUsd }) => sum + monthlyUsd, 0);

/** As docs/costs.md holds it. */
export function idleTable(costs: readonly IdleCost[]): string {
  const usd = (value: number) => value.toFixed(2);
  return [
    '| resource | number | $ a month | |',
    '|---|--:|--:|---|',
    ...costs.map(
      ({ what, count, monthlyUsd, because }) =>
        `| ${what} | ${count} | ${usd(monthlyUsd)} | ${because} |`,
    ),
    `| **together** | | **${usd(totalOf(costs))}** | |`,
  ].join('\n');
}
