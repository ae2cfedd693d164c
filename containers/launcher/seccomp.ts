/**
 * Turns the list of system calls into the BPF program that the launcher loads before user code starts.
 * Owns the order of the checks and the bytes of the table. Must never depend on the machine it runs on:
 * both tables are made on either architecture.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Architecture, DENIED, INSPECTED } from './syscalls.ts';

/** One `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly operand: number;
}

export const VERDICT = {
  allow: 0x7fff_0000,
  eperm: 0x0005_0001,
  enosys: 0x0005_0026,
  killProcess: 0x8000_0000,
} as const;

const AUDIT_ARCH: Readonly<Record<Architecture, number>> = {
  x86_64: 0xc000_003e,
  arm64: 0xc000_00b7,
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. clone(2) cannot ask for NEWTIME. */
const NEW_NAMESPACES = 0x7e02_0000;
/** x86_64 calls with this bit are x32's, which would pass the numbers below by. */
const X32_BIT = 0x4000_0000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const NETLINK_ROUTE = 0;

// Offsets into `struct seccomp_data`; both architectures are little-endian, so the low half comes first.
// The kernel itself reads only the low 32 bits of every argument that is looked at here.
const OFFSET = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const;

const load = (offset: number): Instruction => make(0x20, 0, 0, offset);
const answer = (verdict: number): Instruction => make(0x06, 0, 0, verdict);
const ifEqual = (operand: number, jumpTrue: number, jumpFalse: number): Instruction =>
  make(0x15, jumpTrue, jumpFalse, operand);
const ifAtLeast = (operand: number, jumpTrue: number, jumpFalse: number): Instruction =>
  make(0x35, jumpTrue, jumpFalse, operand);
const ifAnyBit = (operand: number, jumpTrue: number, jumpFalse: number): Instruction =>
  make(0x45, jumpTrue, jumpFalse, operand);

function make(code: number, jumpTrue: number, jumpFalse: number, operand: number): Instruction {
  return { code, jumpTrue, jumpFalse, operand: operand >>> 0 };
}

/** Runs `body` for one call number and passes on otherwise. The body must end in an answer on every path. */
function forCall(number: number, body: readonly Instruction[]): Instruction[] {
  return [ifEqual(number, 0, body.length), ...body];
}

function deniedIfEqual(argument: number, values: readonly number[]): Instruction[] {
  return [
    load(OFFSET.argument(argument)),
    ...values.map((value, index) => ifEqual(value, values.length - index, 0)),
    answer(VERDICT.allow),
    answer(VERDICT.eperm),
  ];
}

/** Only the families that programs use; the others are where kernels have been broken into. */
function socketBody(): Instruction[] {
  return [
    load(OFFSET.argument(0)),
    ifEqual(AF.unix, 5, 0),
    ifEqual(AF.inet, 4, 0),
    ifEqual(AF.inet6, 3, 0),
    ifEqual(AF.netlink, 0, 3),
    load(OFFSET.argument(2)),
    ifEqual(NETLINK_ROUTE, 0, 1),
    answer(VERDICT.allow),
    answer(VERDICT.eperm),
  ];
}

function architectureCheck(architecture: Architecture): Instruction[] {
  const x32 = [ifAtLeast(X32_BIT, 0, 1), answer(VERDICT.enosys)];
  return [
    load(OFFSET.architecture),
    ifEqual(AUDIT_ARCH[architecture], 1, 0),
    answer(VERDICT.killProcess),
    load(OFFSET.number),
    ...(architecture === 'x86_64' ? x32 : []),
  ];
}

export function buildFilter(architecture: Architecture): Instruction[] {
  const denied = Object.values(DENIED).flatMap((numbers) => numbers[architecture] ?? []);
  const namespaces = [
    load(OFFSET.argument(0)),
    ifAnyBit(NEW_NAMESPACES, 0, 1),
    answer(VERDICT.eperm),
    answer(VERDICT.allow),
  ];
  return [
    ...architectureCheck(architecture),
    // ENOSYS makes libc fall back to clone, whose flags a filter can see; those of clone3 are behind a pointer.
    ...forCall(INSPECTED.clone3[architecture], [answer(VERDICT.enosys)]),
    ...forCall(INSPECTED.clone[architecture], namespaces),
    ...forCall(INSPECTED.socket[architecture], socketBody()),
    ...forCall(INSPECTED.socketpair[architecture], socketBody()),
    ...forCall(INSPECTED.ioctl[architecture], deniedIfEqual(1, [TIOCSTI, TIOCLINUX])),
    ...denied.flatMap((number) => forCall(number, [answer(VERDICT.eperm)])),
    answer(VERDICT.allow),
  ];
}

/** The bytes of `struct sock_filter[]`, as the launcher reads them. */
export function encodeFilter(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(({ code, jumpTrue, jumpFalse, operand }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  });
  return bytes;
}

/** Writes seccomp-x86_64.bpf and seccomp-arm64.bpf into a folder. */
export async function writeSeccompTables(directory: string): Promise<void> {
  const architectures: readonly Architecture[] = ['x86_64', 'arm64'];
  await Promise.all(
    architectures.map((architecture) =>
      writeFile(
        join(directory, `seccomp-${architecture}.bpf`),
        encodeFilter(buildFilter(architecture)),
      ),
    ),
  );
}
