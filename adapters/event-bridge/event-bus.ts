/** Events to the account's default bus. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EventBus } from '../../core/ports.ts';

const DETAIL_TYPE = { SandboxTerminated: 'Sandbox Terminated' } as const;

/** @param source names the deployment, since several may share an account */
export function eventBridgeBus(client: EventBridgeClient, source: string): EventBus {
  return {
    async publish({ id, type, at, detail }) {
      const { FailedEntryCount, Entries } = await client.send(
        new PutEventsCommand({
          Entries: [
            {
              Source: source,
              DetailType: DETAIL_TYPE[type],
              Time: new Date(at),
              Detail: JSON.stringify({ id, ...detail }),
            },
          ],
        }),
      );
      // PutEvents answers 200 with the entries that failed.
      if (FailedEntryCount) throw new Error(`PutEvents: ${Entries?.[0]?.ErrorCode ?? 'failed'}`);
    },
  };
}
