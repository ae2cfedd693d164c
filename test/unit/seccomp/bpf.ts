/** Runs a seccomp filter as the kernel would: classic BPF over one `struct seccomp_data`. */
import type { Instruction } from '../../../containers/launcher/seccomp.ts';

export interface SystemCall {
  readonly architecture: number;
  readonly number: number;
  readonly arguments?: readonly number[];
}

export function judge(program: readonly Instruction[], call: SystemCall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number >>> 0, true);
  data.setUint32(4, call.architecture, true);
  (call.arguments ?? []).forEach((value, index) => {
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(value)), true);
  });
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, jumpTrue, jumpFalse, operand } = program[at]!;
    const jump = (holds: boolean): number => (holds ? jumpTrue : jumpFalse);
    if (code === 0x06) return operand;
    else if (code === 0x20) accumulator = data.getUint32(operand, true);
    else if (code === 0x15) at += jump(accumulator === operand);
    else if (code === 0x35) at += jump(accumulator >= operand);
    else if (code === 0x45) at += jump((accumulator & operand) !== 0);
    else throw new Error(`instruction ${at}: code 0x${code.toString(16)} is not interpreted`);
  }
  throw new Error('the program runs past its end');
}

export function decode(bytes: Buffer): Instruction[] {
  return Array.from({ length: bytes.length / 8 }, (_, index) => ({
    code: bytes.readUInt16LE(index * 8),
    jumpTrue: bytes.readUInt8(index * 8 + 2),
    jumpFalse: bytes.readUInt8(index * 8 + 3),
    operand: bytes.readUInt32LE(index * 8 + 4),
  }));
}
