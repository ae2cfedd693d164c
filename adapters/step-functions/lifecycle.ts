/** Lives on Step Functions: an execution for each sandbox, by its id; steps that wait by task tokens. */
import {
  ExecutionAlreadyExists,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { Lifecycle } from '../../core/ports.ts';

/** @param stateMachineArn where lives are started from; the others need only a token */
export function stepFunctionsLifecycle(client: SFNClient, stateMachineArn: string): Lifecycle {
  return {
    async start({ sandboxId, ...input }) {
      try {
        await client.send(
          new StartExecutionCommand({
            stateMachineArn,
            name: sandboxId,
            input: JSON.stringify({ sandboxId, ...input }),
          }),
        );
        return 'started';
      } catch (error) {
        if (error instanceof ExecutionAlreadyExists) return 'exists';
        throw error;
      }
    },

    complete: (taskToken, answer) =>
      whileItWaits(
        client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer) })),
      ),

    fail: (taskToken, error, cause) =>
      whileItWaits(
        client.send(new SendTaskFailureCommand({ taskToken, error, cause: cause.slice(0, 1000) })),
      ),
  };
}

/** A step that waits no longer was told by another. */
async function whileItWaits(told: Promise<unknown>): Promise<void> {
  try {
    await told;
  } catch (error) {
    const isOver =
      error instanceof TaskDoesNotExist ||
      error instanceof TaskTimedOut ||
      error instanceof InvalidToken;
    if (!isOver) throw error;
  }
}
