/** Writes to an answer as fast as its reader takes it. Must never wait for one that has gone. */
import type { ServerResponse } from 'node:http';

/** Once the bytes are with the system, or nobody waits for them any more. */
export function written(response: ServerResponse, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || bytes.length === 0) return resolve();
    const settle = () => {
      response.off('close', settle);
      resolve();
    };
    response.once('close', settle);
    response.write(bytes, settle);
  });
}
