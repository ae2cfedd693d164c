/**
 * The lifecycle of one sandbox, in the Amazon States Language with JSONata. Plain data, so that a
 * test can run it on any engine.
 *
 *   Start ─ launch ─▸ Launch ─▸ Hold ─▸ Decide ─ ending ─▸ End
 *     └──── else ──────────────▴  │        │ ▴
 *                              timeout  else └── Renew
 *                                 └───────────────▴
 *
 * `Launch` and `Hold` wait for a task token. A life without extension enters at most six states.
 */
export interface LifecycleFunction {
  /** ARN of the function whose steps these are. */
  readonly functionArn: string;
}

const LAUNCH_SECONDS = 120;
/** Whole, and at least 1: Step Functions takes no other time-out. */
const SECONDS_LEFT =
  '{% $max([1, $ceil(($toMillis($states.input.expiresAt) - $millis()) / 1000)]) %}';
const SECONDS_TOLD = '{% $exists($states.result.seconds) ? $states.result.seconds : 1 %}';

/** Of the service or of the function: every step is safe to repeat. */
const AGAIN = {
  ErrorEquals: ['States.ALL'],
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxAttempts: 5,
  MaxDelaySeconds: 20,
  JitterStrategy: 'FULL',
};
/** What the wait came to: to be caught, since {@link AGAIN} stands for every error. */
const never = (...errors: string[]) => ({ ErrorEquals: errors, MaxAttempts: 0 });

export function lifecycleDefinition({ functionArn }: LifecycleFunction): object {
  const begin = {
    sandboxId: '{% $states.input.sandboxId %}',
    start: '{% $states.input.start %}',
    seconds: SECONDS_LEFT,
    renewals: 0,
    ending: false,
    reason: 'expired',
  };
  return {
    Comment: 'The life of one sandbox',
    QueryLanguage: 'JSONata',
    StartAt: 'Start',
    States: {
      Start: {
        Type: 'Choice',
        Choices: [
          { Condition: "{% $states.input.start = 'launch' %}", Assign: begin, Next: 'Launch' },
        ],
        Assign: begin,
        Default: 'Hold',
      },
      Launch: launch(functionArn),
      Hold: hold(functionArn),
      Renew: renew(functionArn),
      Decide: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $ending %}', Next: 'End' }],
        Default: 'Hold',
      },
      End: {
        ...call(functionArn, { step: 'end', reason: '{% $reason %}' }),
        Retry: [
          {
            ErrorEquals: ['States.ALL'],
            IntervalSeconds: 1,
            BackoffRate: 2,
            MaxAttempts: 8,
            MaxDelaySeconds: 30,
            JitterStrategy: 'FULL',
          },
        ],
        Output: {},
        End: true,
      },
    },
  };
}

/** Launches a task of the sandbox's own; told when it runs, or that it does not. */
const launch = (functionArn: string) => ({
  ...waitingCall(functionArn, { step: 'launch' }),
  TimeoutSeconds: LAUNCH_SECONDS,
  Assign: { seconds: SECONDS_TOLD },
  Retry: [
    {
      ErrorEquals: ['NoCapacity'],
      IntervalSeconds: 2,
      BackoffRate: 2,
      MaxAttempts: 5,
      MaxDelaySeconds: 20,
      JitterStrategy: 'FULL',
    },
    never('LaunchFailed', 'States.Timeout'),
    AGAIN,
  ],
  Catch: [{ ErrorEquals: ['States.ALL'], Assign: { reason: 'launch_failed' }, Next: 'End' }],
  Next: 'Hold',
});

/**
 * Waits until somebody tells of an end or a shorter life, or the expiry has come. A wait that cannot
 * begin ends no life: the record is asked what is left of it.
 */
const hold = (functionArn: string) => ({
  ...waitingCall(functionArn, {
    step: 'hold',
    start: '{% $start %}',
    enteredAt: '{% $states.context.State.EnteredTime %}',
    seconds: '{% $seconds %}',
  }),
  TimeoutSeconds: '{% $seconds %}',
  Assign: {
    ending: '{% $exists($states.result.end) ? $states.result.end : false %}',
    seconds: SECONDS_TOLD,
  },
  Retry: [never('States.Timeout'), AGAIN],
  Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Renew' }],
  Next: 'Decide',
});

/** The time is up: was the life extended? What cannot be read now is asked again in half a minute. */
const renew = (functionArn: string) => ({
  ...call(functionArn, { step: 'renew', renewals: '{% $renewals %}' }),
  Assign: {
    ending: '{% $states.result.Payload.end %}',
    seconds: '{% $states.result.Payload.seconds %}',
    renewals: '{% $renewals + 1 %}',
  },
  Retry: [AGAIN],
  Catch: [{ ErrorEquals: ['States.ALL'], Assign: { seconds: 30 }, Next: 'Hold' }],
  Next: 'Decide',
});

const call = (functionArn: string, payload: Record<string, string>) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: {
    FunctionName: functionArn,
    Payload: { ...payload, sandboxId: '{% $sandboxId %}' },
  },
});

const waitingCall = (functionArn: string, payload: Record<string, string>) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: {
    FunctionName: functionArn,
    Payload: {
      ...payload,
      sandboxId: '{% $sandboxId %}',
      token: '{% $states.context.Task.Token %}',
    },
  },
});
