import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFilter, encodeFilter, VERDICT } from '../../../containers/launcher/seccomp.ts';
import { type Architecture, DENIED, INSPECTED } from '../../../containers/launcher/syscalls.ts';
import { decode, judge } from './bpf.ts';

const AUDIT = { x86_64: 0xc000003e, arm64: 0xc00000b7 } as const;
const architectures: readonly Architecture[] = ['x86_64', 'arm64'];

/** What python, node, java, go, rust, R and a shell do all day. */
const COMMON: Readonly<Record<string, readonly [x86_64: number, arm64: number]>> = {
  read: [0, 63],
  write: [1, 64],
  close: [3, 57],
  openat: [257, 56],
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  brk: [12, 214],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  execve: [59, 221],
  execveat: [322, 281],
  exit_group: [231, 94],
  wait4: [61, 260],
  kill: [62, 129],
  futex: [202, 98],
  epoll_pwait: [281, 22],
  eventfd2: [290, 19],
  pipe2: [293, 59],
  dup3: [292, 24],
  connect: [42, 203],
  accept4: [288, 242],
  sendto: [44, 206],
  recvmsg: [47, 212],
  setsockopt: [54, 208],
  prctl: [157, 167],
  seccomp: [317, 277],
  memfd_create: [319, 279],
  getrandom: [318, 278],
  statx: [332, 291],
  inotify_init1: [294, 26],
  sched_setaffinity: [203, 122],
  get_mempolicy: [239, 236],
  setpgid: [109, 154],
  setsid: [112, 157],
  landlock_create_ruleset: [444, 444],
  pidfd_open: [434, 434],
  rseq: [334, 293],
  copy_file_range: [326, 285],
};

describe.each(architectures)('the seccomp table of %s', (architecture) => {
  const program = decode(encodeFilter(buildFilter(architecture)));
  const ask = (number: number, ...args: number[]): number =>
    judge(program, { architecture: AUDIT[architecture], number, arguments: args });
  const inspected = INSPECTED;
  const index = architecture === 'x86_64' ? 0 : 1;

  it('denies every listed call whatever its arguments', () => {
    const numbers = Object.values(DENIED).flatMap((entry) => entry[architecture] ?? []);
    fc.assert(
      fc.property(fc.constantFrom(...numbers), fc.array(fc.nat(), { maxLength: 6 }), (n, args) => {
        expect(ask(n, ...args)).toBe(VERDICT.eperm);
      }),
      { numRuns: 500 },
    );
    for (const number of numbers) expect(ask(number)).toBe(VERDICT.eperm);
  });

  it('allows every common call', () => {
    for (const [name, numbers] of Object.entries(COMMON)) {
      expect(ask(numbers[index]), name).toBe(VERDICT.allow);
    }
  });

  it('gives every number a verdict, and allows what is neither listed nor inspected', () => {
    const special = new Set<number>([
      ...Object.values(DENIED).flatMap((entry) => entry[architecture] ?? []),
      ...Object.values(inspected).map((entry) => entry[architecture]),
    ]);
    for (let number = 0; number < 600; number++) {
      if (!special.has(number)) expect(ask(number), String(number)).toBe(VERDICT.allow);
    }
  });

  it('kills a caller of another architecture', () => {
    const others = [0x40000003, AUDIT[architecture === 'x86_64' ? 'arm64' : 'x86_64']];
    for (const other of others) {
      expect(judge(program, { architecture: other, number: 1 })).toBe(VERDICT.killProcess);
    }
  });

  it('lets clone make threads and processes but no namespace', () => {
    const thread = 0x3d0f00;
    const clone = inspected.clone[architecture];
    expect(ask(clone, thread)).toBe(VERDICT.allow);
    expect(ask(clone, 0x01200011)).toBe(VERDICT.allow);
    const namespaces = [17, 25, 26, 27, 28, 29, 30].map((bit) => 2 ** bit);
    for (const flag of namespaces) expect(ask(clone, thread + flag)).toBe(VERDICT.eperm);
  });

  it('says that clone3 does not exist', () => {
    expect(ask(inspected.clone3[architecture])).toBe(VERDICT.enosys);
  });

  it('opens local, internet and route sockets only', () => {
    for (const call of [inspected.socket[architecture], inspected.socketpair[architecture]]) {
      fc.assert(
        fc.property(fc.nat(60), fc.nat(20), fc.nat(30), (family, type, protocol) => {
          const allowed = [1, 2, 10].includes(family) || (family === 16 && protocol === 0);
          expect(ask(call, family, type, protocol)).toBe(allowed ? VERDICT.allow : VERDICT.eperm);
        }),
      );
      for (const family of [17, 38, 40]) expect(ask(call, family)).toBe(VERDICT.eperm);
    }
  });

  it('keeps terminals from being typed into', () => {
    const ioctl = inspected.ioctl[architecture];
    const [get, push, console] = [0x5401, 0x5412, 0x541c];
    expect(ask(ioctl, 0, get)).toBe(VERDICT.allow);
    expect(ask(ioctl, 0, push)).toBe(VERDICT.eperm);
    expect(ask(ioctl, 0, console)).toBe(VERDICT.eperm);
    // The kernel reads 32 bits of the request; garbage above them must not pass it by.
    expect(ask(ioctl, 0, 0x1_0000_0000 + push)).toBe(VERDICT.eperm);
  });
});

it('refuses the x32 calls of x86_64', () => {
  const program = buildFilter('x86_64');
  for (const number of [0, 59, 101, 520]) {
    const call = { architecture: AUDIT.x86_64, number: 0x40000000 + number };
    expect(judge(program, call)).toBe(VERDICT.enosys);
  }
});
