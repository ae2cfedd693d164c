import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeHostEtc } from '../../../local/sandboxes/host-etc.ts';

/** A sandbox's /etc says no more of this machine than programs that ship need. */
const KNOWN =
  /^(alternatives|fonts|ssl|passwd|group|hosts|hostname|nsswitch\.conf|resolv\.conf|localtime|mtab|ld\.so\.cache|matplotlibrc|mime\.types|protocols|services)$/;

it('the /etc of a sandbox holds nothing of this machine beyond a closed list', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'host-etc-'));
  try {
    const etc = await makeHostEtc(directory, '127.0.0.1');
    expect((await readdir(etc.directory)).filter((name) => !KNOWN.test(name))).toEqual([]);
    for (const name of etc.hostFolders) expect(name).toMatch(/^(alternatives|fonts|ssl\/certs)$/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
