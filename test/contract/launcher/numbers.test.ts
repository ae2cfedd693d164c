/** The numbers of our list against the kernel's own headers, where this machine has them. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DENIED, INSPECTED } from '../../../containers/launcher/syscalls.ts';

const headers = {
  x86_64: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h',
  arm64: '/usr/include/asm-generic/unistd.h',
} as const;
/** Younger than the headers of the oldest system that we build on. */
const YOUNGER = new Set(['open_tree_attr']);

for (const architecture of ['x86_64', 'arm64'] as const) {
  const path = headers[architecture];
  it.skipIf(!existsSync(path))(`agrees with the kernel's headers on ${architecture}`, () => {
    const text = readFileSync(path, 'utf8');
    const kernel = new Map(
      [...text.matchAll(/__NR(?:3264)?_(\w+)\s+(\d+)/g)].map((match) => [
        match[1],
        Number(match[2]),
      ]),
    );
    for (const [name, numbers] of Object.entries({ ...DENIED, ...INSPECTED })) {
      if (YOUNGER.has(name)) continue;
      expect([name, numbers[architecture]]).toEqual([name, kernel.get(name) ?? null]);
    }
  });
}
