/**
 * Sandboxes with a way out: whoever dials a sandbox does so by another function there. No pool keeps any warm in the
 * local profile: each is launched. The machine needs /dev/net/tun, as `npm start` says.
 */
import { expect, type Scenario, type World } from '../scenario.ts';
import { copyUpAndDown, writeAndRead } from './files.ts';
import { runByMessage } from './sockets.ts';

const open = ({ sandbox }: World): Promise<string> => sandbox({ network: { access: 'internet' } });

export const openScenarios: readonly Scenario[] = [
  {
    name: 'a sandbox with a way out is launched, and runs code in a context',
    async run(world) {
      const id = await open(world);
      const { data } = await world.call(`/sandboxes/${id}/contexts`, {
        body: { language: 'python' },
      });
      const { outcome } = await world.run(id, '1', {}, { contextId: data['id'] });
      expect(outcome === 'ok', `outcome ${String(outcome)}`);
    },
  },
  {
    name: 'files of a sandbox with a way out are written, read and copied',
    async run(world) {
      const id = await open(world);
      await writeAndRead(world, id);
      await copyUpAndDown(world, id);
    },
  },
  {
    name: 'code runs by message in a sandbox with a way out',
    async run(world) {
      await runByMessage(world, await open(world));
    },
  },
];
