/** What a sandbox runs short of is told to whoever watches it, while something runs in it. */
import { expect, test } from 'vitest';
import type { FromServer } from '../../contract/socket/from-server.ts';
import { createSandbox } from '../helpers/api.ts';
import { connectSocket } from '../helpers/socket.ts';

const FILL = `read -r free all size < <(stat -f -c '%a %b %S' .)
left=$(( (free - all / 500) * size ))
for (( n = 0; left > 0; n++ )); do
  part=$(( left < 2**30 ? left : 2**30 ))
  fallocate -l $part fill-$n
  (( left -= part ))
done
sleep 60`;

test('a full disk is told over the WebSocket', async () => {
  await using sandbox = await createSandbox();
  using socket = await connectSocket();
  await socket.ask('subscribe', { sandboxId: sandbox.id }, 'ack');
  socket.send('execution.start', { sandboxId: sandbox.id, language: 'bash', code: FILL });
  const { payload } = await socket.hear(
    (message): message is FromServer<'resource.limit'> => message.type === 'resource.limit',
  );
  expect(payload).toMatchObject({ sandboxId: sandbox.id, resource: 'disk' });
  expect(payload.used / payload.limit).toBeGreaterThan(0.99);
});
