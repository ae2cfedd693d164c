import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, StartError } from '../../../local/cli/claims.ts';
import { TaskJournal } from '../../../local/services/ecs/task-journal.ts';
import { Bucket } from '../../../local/services/s3/bucket.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'claims-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const rightsOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('the data of a stack', () => {
  it('is closed to others, and the folder around it is not', async () => {
    const around = join(base, 'around');
    await makeFolder(around, { persist: true });
    expect(await rightsOf(join(around, 'data'))).toBe(0o700);
    expect(await rightsOf(around)).toBe(0o777 & ~process.umask());
  });

  it('is closed by the next start where a former one left it open', async () => {
    const data = join(base, 'data');
    await mkdir(data);
    await chmod(data, 0o755);
    await makeFolder(base, { persist: true });
    expect(await rightsOf(data)).toBe(0o700);
  });

  it('is closed by each service that makes a folder of its own', async () => {
    const files = join(base, 'files');
    const tasks = join(base, 'tasks');
    await Bucket.open('files', files, {});
    const journal = new TaskJournal({
      directory: tasks,
      events: { publish: () => undefined },
      onError: () => undefined,
    });
    journal.close();
    for (const path of [files, join(files, 'data'), join(files, 'objects'), tasks])
      expect([path, await rightsOf(path)]).toEqual([path, 0o700]);
  });

  it('is said to have no place where it cannot be made', async () => {
    const file = join(base, 'file');
    await writeFile(file, '');
    await expect(makeFolder(file, { persist: true })).rejects.toThrow(StartError);
  });
});
