/**
 * What AWS and its SDK say when they refuse, in words that name what to do. The names are those of
 * the services' own error codes; the same cause has several.
 */
import { messageOf, Problem } from './problem.ts';

interface Asked {
  /** Such as `lambda`. */
  readonly service: string;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

interface Kind {
  readonly matches: RegExp;
  readonly say: (asked: Asked, message: string) => string;
}

const SIGN_IN =
  'Sign in with `aws sso login` or `aws login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';

const KINDS: readonly Kind[] = [
  {
    matches: /^(CredentialsProviderError|TokenProviderError|ProviderError)\b/,
    say: ({ profile }, message) =>
      /session|expired|refresh/i.test(message)
        ? `The AWS session has ended: ${message}. ${SIGN_IN}.`
        : `No AWS credentials were found${profile ? ` for the profile "${profile}"` : ''}. ${SIGN_IN}.`,
  },
  {
    matches: /^(ExpiredToken|ExpiredTokenException|RequestExpired|TokenRefreshRequired)\b/,
    say: () => `The AWS credentials have expired. ${SIGN_IN}.`,
  },
  {
    matches:
      /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignatureException|InvalidAccessKeyId|AuthFailure|IncompleteSignature)\b/,
    say: (_, message) => `AWS does not know these credentials: ${message}. ${SIGN_IN}.`,
  },
  {
    matches: /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError)\b/,
    say: ({ service }, message) =>
      `These credentials may not do it (${service}): ${message}. Ask for that right, or use another profile.`,
  },
  {
    matches: /Region is missing|ConfigError|Invalid region/i,
    say: () => 'No AWS Region is set. Pass --region, or set AWS_REGION.',
  },
  {
    matches: /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|TimeoutError)\b/,
    say: ({ service, region }, message) =>
      `${service} in ${region ?? 'the Region'} does not answer (${message}). Is the Region right, and is there a network?`,
  },
  {
    matches: /Throttl|TooManyRequests|Rate ?[eE]xceeded/,
    say: ({ service }) => `${service} is throttled at the moment. Try again in a minute.`,
  },
];

/** As a {@link Problem} where it is one that the user can put right; else undefined. */
export function awsProblem(error: unknown, asked: Asked): Problem | undefined {
  const message = messageOf(error).replace(/\.$/, '');
  const text = `${nameOf(error)}: ${message} ${codeOf(error)}`;
  const kind = KINDS.find(({ matches }) => matches.test(text));
  return kind && new Problem(kind.say(asked, message), { cause: error });
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** Of a socket's error, which the SDK may wrap. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const own = 'code' in error ? String(error.code) : '';
  return `${own} ${codeOf(error.cause)}`;
}
