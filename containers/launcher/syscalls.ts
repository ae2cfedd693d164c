/**
 * The one list of system calls that user code may not make, with the numbers of both architectures.
 * Owns names and numbers only; what happens to a call is seccomp.ts's. `null` means the architecture has no such call.
 */
export type Architecture = 'x86_64' | 'arm64';

export type CallNumbers = Readonly<Record<Architecture, number | null>>;

const on = (x86_64: number | null, arm64: number | null): CallNumbers => ({ x86_64, arm64 });
/** Calls younger than 2019 have the same number everywhere. */
const everywhere = (number: number): CallNumbers => on(number, number);

/** Answered with EPERM, as a kernel without the right would. */
export const DENIED: Readonly<Record<string, CallNumbers>> = {
  // Looking into or steering other processes.
  ptrace: on(101, 117),
  process_vm_readv: on(310, 270),
  process_vm_writev: on(311, 271),
  kcmp: on(312, 272),
  pidfd_getfd: everywhere(438),
  perf_event_open: on(298, 241),
  // Mounts and roots.
  mount: on(165, 40),
  umount2: on(166, 39),
  pivot_root: on(155, 41),
  chroot: on(161, 51),
  open_tree: everywhere(428),
  move_mount: everywhere(429),
  fsopen: everywhere(430),
  fsconfig: everywhere(431),
  fsmount: everywhere(432),
  fspick: everywhere(433),
  mount_setattr: everywhere(442),
  open_tree_attr: everywhere(467),
  swapon: on(167, 224),
  swapoff: on(168, 225),
  quotactl: on(179, 60),
  quotactl_fd: everywhere(443),
  nfsservctl: on(180, 42),
  acct: on(163, 89),
  // Files by handle pass every directory's permissions by.
  name_to_handle_at: on(303, 264),
  open_by_handle_at: on(304, 265),
  lookup_dcookie: on(212, 18),
  fanotify_init: on(300, 262),
  fanotify_mark: on(301, 263),
  // Namespaces.
  unshare: on(272, 97),
  setns: on(308, 268),
  // The machine itself.
  reboot: on(169, 142),
  sethostname: on(170, 161),
  setdomainname: on(171, 162),
  iopl: on(172, null),
  ioperm: on(173, null),
  settimeofday: on(164, 170),
  adjtimex: on(159, 171),
  clock_settime: on(227, 112),
  clock_adjtime: on(305, 266),
  syslog: on(103, 116),
  vhangup: on(153, 58),
  modify_ldt: on(154, null),
  // Kernel code.
  create_module: on(174, null),
  init_module: on(175, 105),
  finit_module: on(313, 273),
  delete_module: on(176, 106),
  get_kernel_syms: on(177, null),
  query_module: on(178, null),
  kexec_load: on(246, 104),
  kexec_file_load: on(320, 294),
  bpf: on(321, 280),
  uselib: on(134, null),
  _sysctl: on(156, null),
  // What System V shares outlives who made it, and is counted to nobody who could be ended for it.
  shmget: on(29, 194),
  msgget: on(68, 186),
  semget: on(64, 190),
  // Rich in past kernel bugs, and no language runtime needs them.
  userfaultfd: on(323, 282),
  io_uring_setup: everywhere(425),
  io_uring_enter: everywhere(426),
  io_uring_register: everywhere(427),
  add_key: on(248, 217),
  request_key: on(249, 218),
  keyctl: on(250, 219),
  mbind: on(237, 235),
  set_mempolicy: on(238, 237),
  set_mempolicy_home_node: everywhere(450),
  migrate_pages: on(256, 238),
  move_pages: on(279, 239),
};

/** Calls that are judged by their arguments. */
export const INSPECTED = {
  clone: { x86_64: 56, arm64: 220 },
  clone3: { x86_64: 435, arm64: 435 },
  ioctl: { x86_64: 16, arm64: 29 },
  socket: { x86_64: 41, arm64: 198 },
  socketpair: { x86_64: 53, arm64: 199 },
} as const satisfies Readonly<Record<string, Readonly<Record<Architecture, number>>>>;
