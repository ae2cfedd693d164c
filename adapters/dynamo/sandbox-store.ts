/** Sandboxes in the state table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { SandboxId } from '../../contract/ids.ts';
import type { SandboxStore } from '../../core/sandbox/sandbox-store.ts';
import { readPage } from './cursor.ts';
import type { StateService } from './entities.ts';
import { sandboxCreations } from './sandbox-creations.ts';
import { sandboxEnds } from './sandbox-ends.ts';
import { type SandboxRow, toRecord } from './sandbox-rows.ts';
import { conditional } from './transact.ts';

export function dynamoSandboxStore(
  client: DynamoDBDocumentClient,
  state: StateService,
): SandboxStore {
  const { sandbox } = state.entities;
  const ends = sandboxEnds(client, state);
  return {
    ...sandboxCreations(client, state),
    ...ends,

    async requestEnd(id, end) {
      return (await ends.requestEnd(id, end)) ?? this.get(id);
    },

    async get(id) {
      const { data } = await sandbox.get({ id }).go({ consistent: true });
      return data ? toRecord(data) : undefined;
    },

    async keepToken(id, token) {
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({ lifecycleToken: token })
          .where(({ status }, { ne }) => ne(status, 'stopped'))
          .go({ response: 'all_new' }),
      );
      return done?.data ? toRecord(done.data as SandboxRow) : undefined;
    },

    async change(id, { now, expiresAt: believed }, change) {
      const { overdueAt, ...rest } = change;
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({ ...rest, ...(overdueAt === undefined ? {} : { liveState: 'live', overdueAt }) })
          .where(
            ({ status, expiresAt }, { eq, gt }) =>
              `${eq(status, 'running')} AND ${gt(expiresAt, now)} AND ${eq(expiresAt, believed)}`,
          )
          .go({ response: 'all_new' }),
      );
      return done?.data ? toRecord(done.data as SandboxRow) : undefined;
    },

    async overdue(now, limit) {
      const { data } = await sandbox.query
        .byOverdue({ liveState: 'live' })
        .lt({ overdueAt: now })
        .go({ limit });
      return data.map(toRecord);
    },

    async live() {
      const { data } = await sandbox.query
        .byOverdue({ liveState: 'live' })
        .go({ pages: 'all', attributes: ['id', 'status'] });
      return data.map(({ id, status }) => ({ id: SandboxId.parse(id), status }));
    },

    async postpone({ id, status: was }, overdueAt) {
      await conditional(() =>
        sandbox
          .patch({ id })
          .set({ liveState: 'live', overdueAt })
          .where(({ status }, { eq }) => eq(status, was))
          .go(),
      );
    },

    async list(tenantId, page) {
      const { data, cursor } = await readPage(page.cursor, `sandboxes/${tenantId}`, (from) =>
        sandbox.query.byTenant({ tenantId }).go({ order: 'desc', limit: page.limit, cursor: from }),
      );
      return { items: data.map(toRecord), cursor };
    },
  };
}
