/** API Gateway's quotas of a WebSocket API, each an option so that a test drives it in milliseconds. */
export interface WebSocketLimits {
  /** Bytes of one frame, either way. */
  readonly frameBytes: number;
  /** Bytes of one message, in as many frames as it takes. */
  readonly messageBytes: number;
  /** A connection without a message either way for this long is closed. Pings do not count. */
  readonly idleMs: number;
  /** No connection is older. */
  readonly lifeMs: number;
  /** Posted bytes that wait for a slow client, beyond what the kernel takes. AWS names no figure. */
  readonly bufferBytes: number;
  /** How long a client has to answer a close before its connection is cut. */
  readonly closeMs: number;
}

export const AWS_LIMITS: WebSocketLimits = {
  frameBytes: 32 * 1024,
  messageBytes: 128 * 1024,
  idleMs: 10 * 60_000,
  lifeMs: 2 * 3_600_000,
  bufferBytes: 128 * 1024,
  closeMs: 10_000,
};
