/** How each service says that it failed or has too much to do, in its own protocol; SDKs decide by these what to try again. */
import type { AwsRequest } from '../../service.ts';
import type { Refusal } from '../../shared/refusal.ts';
import type { Fault } from './rules.ts';

type Words = readonly [code: string, status: number];

const OTHERS: { readonly internal: Words; readonly throttle: Words } = {
  internal: ['InternalFailure', 500],
  throttle: ['ThrottlingException', 400],
};

const SERVICES: Readonly<Record<string, typeof OTHERS>> = {
  dynamodb: { internal: ['InternalServerError', 500], throttle: ['ThrottlingException', 400] },
  lambda: { internal: ['ServiceException', 500], throttle: ['TooManyRequestsException', 429] },
  s3: { internal: ['InternalError', 500], throttle: ['SlowDown', 503] },
  ecs: { internal: ['ServerException', 500], throttle: ['ThrottlingException', 400] },
  events: { internal: ['InternalException', 500], throttle: ['ThrottlingException', 400] },
  'execute-api': {
    internal: ['InternalServerErrorException', 500],
    throttle: ['LimitExceededException', 429],
  },
};

export function refusalOf(
  fault: Extract<Fault, { type: 'refuse' | 'throttle' }>,
  { service }: AwsRequest,
): Refusal {
  const { internal, throttle } = SERVICES[service] ?? OTHERS;
  const [code, status] = fault.type === 'throttle' ? throttle : internal;
  if (fault.type === 'throttle')
    return { ok: false, service, code, status, message: 'Rate exceeded' };
  return {
    ok: false,
    service,
    code: fault.code ?? code,
    // An error that a caller names is one of the caller's making unless it says otherwise.
    status: fault.status ?? (fault.code === undefined ? status : 400),
    message: fault.message ?? 'Refused by the fault switch',
  };
}
