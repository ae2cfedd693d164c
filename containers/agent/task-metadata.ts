/**
 * Asks ECS which task this is: the last part of the task's ARN. Knows nothing on a bare host. The
 * address is link-local; must never be asked for credentials.
 */
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import * as z from 'zod/mini';

const TIMEOUT_MS = 2_000;
const ANSWER_BYTES = 256 * 1024;
const TaskMetadata = z.object({ TaskARN: z.string().check(z.regex(/^arn:.*\/[\w-]+$/)) });

export interface MetadataSources {
  readonly file: string;
  readonly uri: string;
}

export async function findTaskId({ file, uri }: MetadataSources): Promise<string | undefined> {
  if (file !== '') return taskIdIn(await readFile(file, 'utf8'));
  if (uri !== '') return taskIdIn(await fetchText(`${uri}/task`));
  return undefined;
}

function taskIdIn(text: string): string {
  const { TaskARN } = TaskMetadata.parse(JSON.parse(text));
  return TaskARN.slice(TaskARN.lastIndexOf('/') + 1);
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES) request.destroy(new Error('the answer is too large'));
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
