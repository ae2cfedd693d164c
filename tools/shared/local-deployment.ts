/** The deployment of `npm start` on this machine, by the file that it writes while it runs. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { Problem } from './problem.ts';

const Endpoints = z.object({
  baseUrl: z.url(),
  apiKey: z.string(),
  controlUrl: z.url(),
  controlToken: z.string(),
});
export type LocalDeployment = z.infer<typeof Endpoints>;

export const ENDPOINTS_FILE = '.local/endpoints.json';

/** @throws {Problem} where none runs */
export async function localDeployment(file: string): Promise<LocalDeployment> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Problem(
      `No deployment runs on this machine: ${file} is not there. Start one with \`npm start\`, or name its file with --endpoints.`,
    );
  });
  const parsed = Endpoints.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new Problem(`${file} is not what \`npm start\` writes. Start it again.`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
