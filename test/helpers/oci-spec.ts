/**
 * What a container of a Fargate task may do, in the words of an OCI runtime: made of the container definition that
 * the template has, so that a change of one is a change of the other.
 */
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

export interface ContainerDefinition {
  readonly ReadonlyRootFilesystem?: boolean;
  readonly Environment?: readonly { readonly Name: string; readonly Value: string }[];
  readonly MountPoints?: readonly { readonly ContainerPath: string; readonly ReadOnly?: boolean }[];
  readonly LinuxParameters?: { readonly Capabilities?: { readonly Drop?: readonly string[] } };
  readonly Ulimits?: readonly {
    readonly Name: string;
    readonly SoftLimit: number;
    readonly HardLimit: number;
  }[];
}

/** What a container gets where its definition drops nothing. */
const GIVEN =
  `AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID
  SETPCAP SETUID SYS_CHROOT`.split(/\s+/);

const PERIOD_US = 100_000;
const CLONE_NEWUSER = 0x1000_0000;
const NOSUID_NODEV = ['nosuid', 'nodev'];

export interface OciOptions {
  readonly container: ContainerDefinition;
  readonly root: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cgroupsPath: string;
  readonly cpu: number;
  readonly memoryMb: number;
  /** On this machine → inside; mounted after the task's volumes. */
  readonly binds: readonly (readonly [string, string])[];
}

export function ociSpec(options: OciOptions): object {
  const { container, cpu, memoryMb } = options;
  const memoryBytes = memoryMb * 2 ** 20;
  return {
    ociVersion: '1.0.2',
    root: { path: options.root, readonly: container.ReadonlyRootFilesystem === true },
    hostname: 'sandbox',
    process: processOf(options),
    mounts: mountsOf(options),
    linux: {
      // No user namespace, neither around it nor, by the filter below, inside.
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      cgroupsPath: options.cgroupsPath,
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: memoryBytes },
        cpu: { shares: cpu, quota: Math.round((cpu / 1024) * PERIOD_US), period: PERIOD_US },
        pids: { limit: 4096 },
      },
      seccomp: withoutUserNamespaces(),
      maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

function processOf({ container, command, environment }: OciOptions): object {
  const dropped = container.LinuxParameters?.Capabilities?.Drop ?? [];
  const kept = GIVEN.filter((name) => !dropped.includes(name)).map((name) => `CAP_${name}`);
  return {
    terminal: false,
    user: { uid: 0, gid: 0 },
    cwd: '/',
    args: command,
    env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    capabilities: { bounding: kept, effective: kept, permitted: kept },
    // A limit above this machine's own cannot be given by every root.
    rlimits: (container.Ulimits ?? []).map(({ Name, SoftLimit, HardLimit }) => ({
      type: `RLIMIT_${Name.toUpperCase()}`,
      soft: Math.min(SoftLimit, ownLimit(Name)),
      hard: Math.min(HardLimit, ownLimit(Name)),
    })),
    noNewPrivileges: false,
  };
}

/** Volumes come as an empty disk does: root's, and closed to writing by all others. */
function mountsOf({ container, binds, memoryMb }: OciOptions): object[] {
  const tmpfs = (destination: string, ...more: string[]) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...NOSUID_NODEV, ...more],
  });
  const size = `size=${Math.floor(memoryMb / 4)}m`;
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=64m'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    tmpfs('/dev/shm', 'noexec', 'mode=1777', 'size=64m'),
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: [...NOSUID_NODEV, 'noexec', 'ro'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...NOSUID_NODEV, 'noexec', 'relatime', 'ro'],
    },
    ...(container.MountPoints ?? []).map(({ ContainerPath, ReadOnly }) =>
      tmpfs(ContainerPath, 'mode=755', size, ReadOnly === true ? 'ro' : 'rw'),
    ),
    ...binds.map(([source, destination]) => ({
      destination,
      type: 'bind',
      source,
      options: ['bind', 'rw', ...NOSUID_NODEV],
    })),
  ];
}

function withoutUserNamespaces(): object {
  const refuse = (names: string[], more: object = {}) => ({
    names,
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 1,
    ...more,
  });
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: [arch() === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
    syscalls: [
      refuse(['unshare', 'setns', 'mount', 'umount2', 'pivot_root']),
      refuse(['clone'], {
        args: [
          { index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: 'SCMP_CMP_MASKED_EQ' },
        ],
      }),
      // Its flags are behind a pointer; ENOSYS makes libc fall back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  };
}

function ownLimit(name: string): number {
  const title = name === 'nofile' ? 'Max open files' : `Max ${name} file size`;
  const row = readFileSync('/proc/self/limits', 'utf8').match(
    new RegExp(`^${title}\\s+\\S+\\s+(\\S+)`, 'm'),
  );
  return row?.[1] === 'unlimited' || row === null ? Number.MAX_SAFE_INTEGER : Number(row[1]);
}
