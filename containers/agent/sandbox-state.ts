/**
 * Whose sandbox this is and until when. Owns the one `init`, the deadline's timer and whether it
 * drains. Must never keep a token, only its hash.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { InitRequest } from '../../contract/agent/protocol.ts';
import { AppError } from '../../contract/errors.ts';
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';

/** Timers take 24 days at most; a clock that is set meanwhile is noticed. */
const TIMER_MS = 60_000;

export class SandboxState implements Disposable {
  readonly #onDeadline: () => void;
  #init: { readonly request: InitRequest; readonly digest: Buffer } | undefined;
  #deadline: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(onDeadline: () => void) {
    this.#onDeadline = onDeadline;
  }

  get initialized(): boolean {
    return this.#init !== undefined;
  }

  get env(): Record<string, string> {
    return this.#init?.request.env ?? {};
  }

  /** Once; the same again changes nothing. */
  init(request: InitRequest): void {
    const digest = digestOf(request);
    if (this.#init === undefined) {
      this.#init = { request, digest };
      this.setDeadline(request.expiresAt);
    } else if (!timingSafeEqual(digest, this.#init.digest))
      throw new AppError('INVALID_SANDBOX_STATE', 'this sandbox was initialized with another body');
  }

  /** Refuses whoever does not bring the control token. */
  authorize(authorization: string | undefined): void {
    const token = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? '')?.[1] ?? '';
    if (!isHashOf(this.#request().tokenSha256, token))
      throw new AppError(
        'UNAUTHENTICATED',
        'the control token is missing or wrong; send it as "Authorization: Bearer …"',
      );
  }

  /** Refuses whoever does not bring the access token, which opens the E2B wire and nothing else. */
  authorizeAccess(token: string | undefined): void {
    if (!isHashOf(this.#request().accessTokenSha256, token ?? ''))
      throw new AppError(
        'UNAUTHENTICATED',
        'the access token is missing or wrong; send it as "X-Access-Token"',
      );
  }

  /** The latest that was told counts, so that two that cross do no harm; a shorter life is the caller's to end. */
  setDeadline(expiresAt: string): void {
    this.#deadline = Math.max(this.#deadline ?? 0, Date.parse(expiresAt) + AGENT_DEADLINE_GRACE_MS);
    this.#arm();
  }

  get draining(): boolean {
    return this.#draining;
  }

  drain(): void {
    this.#draining = true;
  }

  refuseWhenDraining(): void {
    if (this.#draining)
      throw new AppError('INVALID_SANDBOX_STATE', 'this sandbox is ending and starts nothing new');
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #request(): InitRequest {
    if (this.#init) return this.#init.request;
    throw new AppError('INVALID_SANDBOX_STATE', 'this sandbox is not initialized yet');
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const leftMs = (this.#deadline ?? 0) - Date.now();
    if (leftMs <= 0) this.#onDeadline();
    else this.#timer = setTimeout(() => this.#arm(), Math.min(leftMs, TIMER_MS));
  }
}

/** In constant time. */
function isHashOf(hash: string, token: string): boolean {
  const own = createHash('sha256').update(token).digest();
  return timingSafeEqual(own, Buffer.from(hash, 'hex'));
}

function digestOf(request: InitRequest): Buffer {
  const env = Object.entries(request.env).sort(([a], [b]) => (a < b ? -1 : 1));
  const { sandboxId, tokenSha256, accessTokenSha256, expiresAt } = request;
  const fields = [sandboxId, tokenSha256, accessTokenSha256, expiresAt, env];
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}
