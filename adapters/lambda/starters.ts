/** Asynchronous invokes of the functions that go on by themselves: `relay` and `pool`. */
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { TransferStarter } from '../../core/files/transfer-store.ts';
import type { RelayStarter } from '../../core/output/output-log.ts';
import type { PoolRefill } from '../../core/pool/pool-task.ts';
import type { ExecutionStarter } from '../../core/socket/start-by-message.ts';

const invokeAsync = async (
  client: LambdaClient,
  functionName: string,
  payload: unknown,
): Promise<void> => {
  await client.send(
    new InvokeCommand({
      FunctionName: functionName,
      InvocationType: 'Event',
      Payload: new TextEncoder().encode(JSON.stringify(payload)),
    }),
  );
};

export function lambdaRelayStarter(client: LambdaClient, functionName: string): RelayStarter {
  return { start: (request) => invokeAsync(client, functionName, request) };
}

export function lambdaTransferStarter(client: LambdaClient, functionName: string): TransferStarter {
  return { start: (transferId) => invokeAsync(client, functionName, { transferId }) };
}

export function lambdaExecutionStarter(
  client: LambdaClient,
  functionName: string,
): ExecutionStarter {
  return { start: (request) => invokeAsync(client, functionName, { start: request }) };
}

/** @param onError told of a request that failed: the minute's run repairs it */
export function lambdaPoolRefill(
  client: LambdaClient,
  functionName: string,
  onError: (error: unknown) => void,
): PoolRefill {
  return {
    request: (opened) =>
      invokeAsync(client, functionName, { refill: opened ?? true }).catch(onError),
  };
}
