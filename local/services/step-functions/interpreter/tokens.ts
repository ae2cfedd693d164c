/** Task tokens. Each names its execution, so that a token of another run is told from one that never was. */
import { randomBytes } from 'node:crypto';

export function tokenOf(executionArn: string): string {
  return Buffer.from(JSON.stringify([executionArn, randomBytes(24).toString('base64')])).toString(
    'base64',
  );
}

export function executionOf(token: string): string | undefined {
  try {
    const [executionArn] = JSON.parse(Buffer.from(token, 'base64').toString()) as unknown[];
    return typeof executionArn === 'string' ? executionArn : undefined;
  } catch {
    return undefined;
  }
}
