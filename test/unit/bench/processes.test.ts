import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { descendants, isAlive, profileOf, pssMib, settled } from '../../../bench/processes.ts';

test('all below a process are found, weighed, and waited for', async () => {
  // A shell with a child of its own, which prints its process id.
  const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; wait', '--aws-profile', 'aws']);
  try {
    const [line] = (await once(shell.stdout, 'data')) as [Buffer];
    const grandchild = Number(String(line));
    const root = shell.pid ?? 0;
    expect(await descendants(root)).toEqual([grandchild]);
    expect(await descendants(process.pid)).toEqual(expect.arrayContaining([root, grandchild]));
    expect(await settled(root, { atLeast: 1, quietMs: 1 })).toBe(1);
    expect(await pssMib(grandchild)).toBeGreaterThan(0);
    expect(await profileOf(root)).toBe('aws');
    expect(await profileOf(process.pid)).toBe('fast');
    process.kill(grandchild);
    await once(shell, 'exit');
    expect(await isAlive(root)).toBe(false);
  } finally {
    shell.kill('SIGKILL');
  }
});
