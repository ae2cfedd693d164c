/**
 * `npm run costs`: what a deployment costs while idle, read from the templates that `cdk synth` makes
 * of it, and with `measure` what a thousand sandboxes cost, from what `npm start` counts.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { idleCosts, idleTable, type Template } from './costs/idle.ts';
import { PRICES_AT, PRICES_REGION } from './costs/prices.ts';

const PROFILES = ['dev', 'prod'];

async function templatesOf(settings: readonly string[], folder: string): Promise<Template[]> {
  const context = settings.flatMap((setting) => ['-c', setting]);
  const cdk = ['synth', '--quiet', '--output', folder, ...context];
  await promisify(execFile)('cdk', cdk, { maxBuffer: 64 * 1024 * 1024 });
  return Promise.all(
    ['Data', 'Service'].map(async (stack) => {
      const text = await readFile(join(folder, `${stack}.template.json`), 'utf8');
      return JSON.parse(text) as Template;
    }),
  );
}

async function printIdle(settings: readonly string[]): Promise<void> {
  console.log(`Prices of ${PRICES_AT}, ${PRICES_REGION}, without free tiers.\n`);
  for (const profile of PROFILES) {
    const folder = join('dist/costs', profile);
    const templates = await templatesOf([`profile=${profile}`, ...settings], folder);
    console.log(`${profile}${settings.map((setting) => `, ${setting}`).join('')}:\n`);
    console.log(`${idleTable(idleCosts(...templates))}\n`);
  }
}

await printIdle(process.argv.slice(2));
