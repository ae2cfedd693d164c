import { describe, expect, it } from 'vitest';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import { assemblyOf, ofType, oneOf } from './assembly.ts';
import { allowed } from './statements.ts';

const NEEDED_BY_THE_AGENT = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'KILL',
  'SETGID',
  'SETPCAP',
  'SETUID',
];
/** What a container gets where nothing is said. */
const GIVEN_TO_CONTAINERS = [
  ...NEEDED_BY_THE_AGENT,
  'AUDIT_WRITE',
  'FSETID',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SYS_CHROOT',
];

async function taskOf(name: 'dev' | 'arm64') {
  const { service } = await assemblyOf(name);
  const definition = oneOf(service, 'AWS::ECS::TaskDefinition', 'Sandbox');
  return { service, definition, container: definition['ContainerDefinitions'][0] };
}

describe('a sandbox’s task', () => {
  it('has no role, so there is nothing to steal', async () => {
    const { service, definition } = await taskOf('dev');
    expect(definition).not.toHaveProperty('TaskRoleArn');
    const trusted = [...ofType(service, 'AWS::IAM::Role')].filter(([, role]) =>
      JSON.stringify(role['AssumeRolePolicyDocument']).includes('ecs-tasks.amazonaws.com'),
    );
    expect(trusted.map(([id]) => id)).toEqual([expect.stringMatching(/^SandboxExecutionRole/)]);
  });

  it('holds no secret and no environment of functions', async () => {
    const { container } = await taskOf('dev');
    expect(container).not.toHaveProperty('Secrets');
    expect(container['Environment']).toEqual([
      { Name: 'AGENT_OUTPUT_BYTES', Value: '67108864' },
      { Name: 'AGENT_MEMORY_BYTES', Value: '2147483648' },
    ]);
  });

  it('is pulled by a role that can do nothing else', async () => {
    const { service } = await taskOf('dev');
    const image =
      'arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>';
    expect(allowed(service, 'SandboxExecutionRole')).toEqual([
      `ecr:BatchCheckLayerAvailability ${image}`,
      `ecr:BatchGetImage ${image}`,
      'ecr:GetAuthorizationToken *',
      `ecr:GetDownloadUrlForLayer ${image}`,
    ]);
  });

  it('keeps the capabilities that its agent needs, and no other', async () => {
    const { container } = await taskOf('dev');
    const { Drop, Add = [] } = container['LinuxParameters']['Capabilities'];
    expect(Add).toEqual([]);
    expect(GIVEN_TO_CONTAINERS.filter((capability) => !Drop.includes(capability))).toEqual(
      NEEDED_BY_THE_AGENT,
    );
  });

  it('can write to its volumes only', async () => {
    const { definition, container } = await taskOf('dev');
    expect(container['ReadonlyRootFilesystem']).toBe(true);
    const paths = container['MountPoints'].map(
      ({ ContainerPath }: { ContainerPath: string }) => ContainerPath,
    );
    expect(paths.sort()).toEqual(['/home/user', '/run', '/tmp', '/var/lib/agent', '/var/tmp']);
    expect(definition['Volumes']).toHaveLength(paths.length);
  });

  it('listens on the agent’s port and sends no log', async () => {
    const { container } = await taskOf('dev');
    expect(container['PortMappings']).toEqual([{ ContainerPort: AGENT_PORT, Protocol: 'tcp' }]);
    expect(container).not.toHaveProperty('LogConfiguration');
    expect(container).toMatchObject({
      Essential: true,
    });
  });

  it.each([
    ['dev', 'X86_64'],
    ['arm64', 'ARM64'],
  ] as const)('of %s runs on Fargate, %s', async (name, architecture) => {
    const { definition } = await taskOf(name);
    expect(definition).toMatchObject({
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      Cpu: '1024',
      Memory: '2048',
      RuntimePlatform: { CpuArchitecture: architecture },
    });
  });
});
