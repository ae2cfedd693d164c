/** One JSON line per fact, for CloudWatch. Never a secret, a token or a caller's code. */
type Facts = Readonly<Record<string, unknown>>;

const write = (level: 'INFO' | 'ERROR', message: string, facts: Facts) =>
  process.stdout.write(`${JSON.stringify({ level, message, ...facts })}\n`);

export const logInfo = (message: string, facts: Facts = {}) => write('INFO', message, facts);

export function logError(message: string, error: unknown, facts: Facts = {}) {
  write('ERROR', message, { ...facts, ...describe(error) });
}

function describe(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: String(error) };
  return {
    error: error.name,
    detail: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
