/** Every limit that a client of the WebSocket can meet. */
const KIB = 1024;

export const SOCKET_LIMITS = {
  /** One message, both ways: a browser cannot split what API Gateway would take in frames. */
  messageBytes: 32 * KIB,
  /** A larger event is not pushed: it is read by readEvents. */
  eventBytes: 24 * KIB,
  /** Pushed and not acknowledged, per execution and connection; then the client pulls. */
  unacknowledgedBytes: 256 * KIB,
  /** An answer to `more` holds at most this much, in several messages. */
  pulledBytes: 256 * KIB,
  /** Delivery 1: without an ack for this long, what was sent since the last is sent again. */
  silenceMs: 10_000,
  /** A reader that was sent nothing for this long is told that the relay lives. */
  heartbeatMs: 30_000,
  connectionsPerTenant: 500,
  subscriptionsPerConnection: 64,
  /** Connections that watch one sandbox or its executions. */
  readersPerSandbox: 256,
  /** API Gateway ends a connection after two hours, or ten minutes without a message. */
  connectionMs: 2 * 3_600_000,
} as const;
