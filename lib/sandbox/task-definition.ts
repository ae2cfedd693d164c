/**
 * One sandbox as a Fargate task. Nothing in it may hold a credential: no task role, no secrets, and
 * the execution role can pull this one image and no more.
 */
import { existsSync } from 'node:fs';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import { LIMITS } from '../../contract/limits.ts';
import { acknowledge } from '../acknowledge.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { PULL_ACTIONS, TOKEN_ACTION } from '../network/endpoints.ts';

/**
 * Of the fourteen that a container gets. What the agent keeps (CHOWN, DAC_OVERRIDE, FOWNER, KILL,
 * SETGID, SETPCAP, SETUID) it needs to run code as another user and to end it; dropping ALL would
 * take these too, and Fargate lets none be added back.
 */
const DROPPED_CAPABILITIES = [
  'AUDIT_WRITE',
  'FSETID',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SYS_CHROOT',
];

/** All that can be written in a sandbox; the root file system is read-only. */
const WRITABLE = {
  tmp: '/tmp',
  home: '/home/user',
  'var-tmp': '/var/tmp',
  agent: '/var/lib/agent',
  run: '/run',
} as const;

const STOP_TIMEOUT_SECONDS = 10;

export interface SandboxTaskProps {
  readonly config: DeployConfig;
  /** Docker context that the build filled. */
  readonly imageDirectory: string;
}

export class SandboxTask extends Construct {
  readonly definition: ecs.CfnTaskDefinition;
  readonly image: assets.DockerImageAsset;
  readonly executionRole: iam.Role;

  constructor(scope: Construct, id: string, { config, imageDirectory }: SandboxTaskProps) {
    super(scope, id);
    checkImage(imageDirectory, config);
    this.image = new assets.DockerImageAsset(this, 'Image', {
      directory: imageDirectory,
      target: 'python',
      platform:
        config.architecture === 'arm64' ? assets.Platform.LINUX_ARM64 : assets.Platform.LINUX_AMD64,
    });
    this.executionRole = this.#executionRole();
    this.definition = new ecs.CfnTaskDefinition(this, 'Definition', {
      family: `${config.stackName}-sandbox`,
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: String(LIMITS.cpu.default * 1024),
      memory: String(LIMITS.memoryMb.default),
      runtimePlatform: {
        cpuArchitecture: config.architecture === 'arm64' ? 'ARM64' : 'X86_64',
        operatingSystemFamily: 'LINUX',
      },
      executionRoleArn: this.executionRole.roleArn,
      volumes: Object.keys(WRITABLE).map((name) => ({ name })),
      containerDefinitions: [this.#container(config)],
    });
    acknowledge(this.definition, {
      'AwsSolutions-ECS2':
        'The variables are limits of the sandbox; user code may read them. There is no secret in a task.',
      'AwsSolutions-ECS7':
        'A sandbox has no way to CloudWatch Logs: the agent keeps its own log, which is fetched when the sandbox ends.',
    });
  }

  #container(config: DeployConfig): ecs.CfnTaskDefinition.ContainerDefinitionProperty {
    return {
      name: 'agent',
      image: this.image.imageUri,
      essential: true,
      readonlyRootFilesystem: true,
      portMappings: [{ containerPort: AGENT_PORT, protocol: 'tcp' }],
      environment: [
        { name: 'AGENT_OUTPUT_BYTES', value: String(config.outputCapBytes) },
        // The agent cannot always see its control group, and what user code may take follows from it.
        { name: 'AGENT_MEMORY_BYTES', value: String(LIMITS.memoryMb.default * 1024 * 1024) },
      ],
      mountPoints: Object.entries(WRITABLE).map(([sourceVolume, containerPath]) => ({
        sourceVolume,
        containerPath,
        readOnly: false,
      })),
      // The image brings its own init.
      linuxParameters: { capabilities: { drop: DROPPED_CAPABILITIES } },
      ulimits: [
        { name: 'nofile', softLimit: 65_535, hardLimit: 65_535 },
        { name: 'core', softLimit: 0, hardLimit: 0 },
      ],
      stopTimeout: STOP_TIMEOUT_SECONDS,
    };
  }

  #executionRole(): iam.Role {
    const role = new iam.Role(this, 'ExecutionRole', {
      description: 'Pulls the image of sandboxes; never handed to a container',
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      inlinePolicies: {
        pull: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({ actions: [TOKEN_ACTION], resources: ['*'] }),
            new iam.PolicyStatement({
              actions: [...PULL_ACTIONS],
              resources: [this.image.repository.repositoryArn],
            }),
          ],
        }),
      },
    });
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken takes no resource.',
    });
    return role;
  }
}

/** The CDK would only say that a folder is missing, not how to get it. */
function checkImage(directory: string, { architecture }: DeployConfig): void {
  if (existsSync(directory)) return;
  throw new Error(
    `no image for ${architecture} in ${directory}: run "npm run build -- --arch ${architecture}"`,
  );
}
