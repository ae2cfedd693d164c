import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ensureNodeOf, nodePackageOf } from '../../../local/cli/build/node-binaries.ts';
import { HOST_ARCHITECTURE as own } from '../../../local/shared/architecture.ts';

test("this machine's node for sandboxes is a file of the repository, and nothing is installed for it", async () => {
  const lines: string[] = [];
  await ensureNodeOf(own, (line) => lines.push(line));

  expect(lines).toEqual([]);
  expect((await stat(nodePackageOf(own)?.binary ?? '')).isFile()).toBe(true);
  expect(nodePackageOf(own)?.directory).toMatch(/^node_modules\/node-linux-/);
});
