/**
 * The pause of a deployment: while it stands no sandbox is created and no pool is filled. One row
 * for the whole deployment, read by the authorizer beside the key that it looks up, so that a
 * creation asks the tables nothing more and no two of them meet at one item.
 */
import { AppError } from '../../contract/errors.ts';
import type { Caller } from './caller.ts';

export interface Pause {
  readonly pausedAt: string;
}

export interface PauseStore {
  get(): Promise<Pause | undefined>;
  /** The first one stays; answers the one that stands. */
  begin(pause: Pause): Promise<Pause>;
  end(): Promise<void>;
}

/** @throws {AppError} CAPACITY_UNAVAILABLE while the deployment is paused */
export function refuseWhilePaused({ pausedAt }: Pick<Caller, 'pausedAt'>): void {
  if (pausedAt === undefined) return;
  throw new AppError(
    'CAPACITY_UNAVAILABLE',
    `The operator of this deployment paused it at ${pausedAt}: no sandbox is created until it is resumed (\`npm run stop-all -- --resume\`).`,
    { details: { pausedAt }, retryAfterSeconds: 60 },
  );
}
