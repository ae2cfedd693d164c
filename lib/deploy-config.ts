/**
 * The deploy configuration: what a team may set when it deploys, by `-c name=value` or in cdk.json.
 * Owns every default that depends on the profile. Must name every problem at once, and refuse a name
 * it does not know rather than ignore it.
 */
import { z } from 'zod';
import { LIMITS } from '../contract/limits.ts';

const PROFILES = ['dev', 'prod', 'local'] as const;
type Profile = (typeof PROFILES)[number];

const MIB = 1024 * 1024;

/** `-c` gives text, cdk.json gives numbers. */
const whole = (min: number, max: number) =>
  z
    .union([z.number(), z.string().regex(/^\d+$/, 'must be a whole number').transform(Number)])
    .pipe(z.number().int().min(min).max(max));

const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false']).transform((value) => value === 'true'),
]);

const list = z.union([
  z.array(z.string()),
  z.string().transform((value) => value.split(',').map((item) => item.trim())),
]);

/** API Gateway's own answers carry one fixed origin, so one origin or all of them can be named. */
const origins = list.pipe(
  z
    .array(
      z
        .string()
        .regex(
          /^(\*|https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?)$/,
          'must be * or an origin such as https://app.example.com',
        ),
    )
    .length(1, 'takes one origin, or * for every origin: a fixed header cannot name several'),
);

const Settings = z.strictObject({
  profile: z.enum(PROFILES).default('dev'),
  stackName: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be 1 to 31 of [a-z0-9-] and begin with a letter')
    .default('code-interpreter'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a Region such as eu-central-1')
    .optional(),
  /** Lets callers ask for sandboxes with a way out, in a network of their own. */
  internet: flag.optional(),
  architecture: z.enum(['x86_64', 'arm64']).default('x86_64'),
  poolTarget: whole(0, 1000).optional(),
  /** Tasks kept free in the network with a way out. */
  openPoolTarget: whole(0, 1000).default(0),
  allowedOrigins: origins.default(['*']),
  defaultLifetimeMs: whole(LIMITS.lifetimeMs.min, LIMITS.lifetimeMs.max).default(
    LIMITS.lifetimeMs.default,
  ),
  maxLifetimeMs: whole(LIMITS.lifetimeMs.min, LIMITS.lifetimeMs.max).default(LIMITS.lifetimeMs.max),
  /** Of a tenant and of a key that have no limits of their own. */
  maxLiveSandboxes: whole(1, LIMITS.liveSandboxesPerTenant.max).optional(),
  requestsPerSecond: whole(1, LIMITS.requestsPerSecondPerKey.max).optional(),
  outputCapBytes: whole(MIB, 1024 * MIB).default(LIMITS.outputBytes),
  /** API Gateway's access log needs the CloudWatch role of the account and Region, which is not ours. */
  accessLogs: flag.optional(),
  /** The Region's managed prefix list of S3; narrows the sandbox's way to the endpoints. */
  s3PrefixListId: z
    .string()
    .regex(/^pl-[0-9a-f]{8,17}$/, 'must be the id of a prefix list such as pl-63a5400a')
    .optional(),
  /** Who is told of alarms and of the budget. */
  alarmEmail: z.email('must be an e-mail address').optional(),
  /** Where the article of an alarm is read: its anchor is the alarm's name. */
  runbookUrl: z.string().min(1).max(500).default('docs/runbook.md'),
  dashboard: flag.optional(),
  /** Of the whole account: costs have no stack unless somebody activates tags. */
  monthlyBudgetUsd: whole(1, 1_000_000).optional(),
  /** The most tasks at a time, warm ones and all tenants' sandboxes together. */
  maxRunningTasks: whole(1, 10_000).optional(),
  /** Where the build lies. */
  dist: z.string().min(1).default('dist'),
});

const TENANT = {
  maxLiveSandboxes: LIMITS.liveSandboxesPerTenant.default,
  requestsPerSecond: LIMITS.requestsPerSecondPerKey.default,
};

/** On one machine the machine is the limit. */
const BY_PROFILE = {
  dev: {
    poolTarget: 0,
    accessLogs: false,
    internet: false,
    dashboard: false,
    maxRunningTasks: 20,
    ...TENANT,
  },
  prod: {
    poolTarget: 1,
    accessLogs: true,
    internet: false,
    dashboard: true,
    maxRunningTasks: 200,
    ...TENANT,
  },
  local: {
    poolTarget: 2,
    accessLogs: false,
    internet: true,
    dashboard: true,
    maxRunningTasks: 2_000,
    maxLiveSandboxes: 1_000,
    requestsPerSecond: 1_000,
  },
} as const satisfies Record<Profile, object>;

const DeployConfigSchema = Settings.transform((settings) => {
  const byProfile = BY_PROFILE[settings.profile];
  return {
    ...settings,
    poolTarget: settings.poolTarget ?? byProfile.poolTarget,
    accessLogs: settings.accessLogs ?? byProfile.accessLogs,
    internet: settings.internet ?? byProfile.internet,
    dashboard: settings.dashboard ?? byProfile.dashboard,
    maxRunningTasks: settings.maxRunningTasks ?? byProfile.maxRunningTasks,
    maxLiveSandboxes: settings.maxLiveSandboxes ?? byProfile.maxLiveSandboxes,
    requestsPerSecond: settings.requestsPerSecond ?? byProfile.requestsPerSecond,
  };
})
  .refine(({ internet, openPoolTarget }) => internet || openPoolTarget === 0, {
    path: ['openPoolTarget'],
    error: 'must be 0 where internet is false: there is no such network then',
  })
  .refine(
    ({ maxRunningTasks, poolTarget, openPoolTarget }) =>
      maxRunningTasks > poolTarget + openPoolTarget,
    {
      path: ['maxRunningTasks'],
      error: 'must be more than poolTarget and openPoolTarget together: no sandbox could run',
    },
  )
  .refine(({ monthlyBudgetUsd, alarmEmail }) => !monthlyBudgetUsd || alarmEmail, {
    path: ['monthlyBudgetUsd'],
    error: 'needs alarmEmail: nobody would be told',
  })
  .refine(({ defaultLifetimeMs, maxLifetimeMs }) => defaultLifetimeMs <= maxLifetimeMs, {
    path: ['defaultLifetimeMs'],
    error: 'must be at most maxLifetimeMs',
  });

export type DeployConfig = z.output<typeof DeployConfigSchema>;

/** The CDK's own context: feature flags, look-ups, its switches. */
const isOfTheCdk = (name: string): boolean => name.startsWith('@') || name.includes(':');

/**
 * Reads the deploy configuration out of the CDK's context.
 * @throws {Error} naming every setting that is wrong or unknown
 */
export function readDeployConfig(context: Readonly<Record<string, unknown>>): DeployConfig {
  const ours = Object.entries(context).filter(([name]) => !isOfTheCdk(name));
  const parsed = DeployConfigSchema.safeParse(Object.fromEntries(ours));
  if (parsed.success) return parsed.data;
  throw new Error(`deploy configuration:\n${z.prettifyError(parsed.error)}`);
}
