/**
 * A process that owns tasks, to be killed by a test. Starts one and prints its address; with a number,
 * starts that many at once and prints a line before any of them is up.
 */
import { createTaskDriver } from '../../../local/sandboxes/create.ts';

const [, , runDirectory = '', imageDirectory = '', id = '', count] = process.argv;
const driver = await createTaskDriver({ isolation: 'auto', runDirectory });
const start = (task: string) =>
  driver.start({
    id: task,
    taskArn: 'arn',
    vcpu: 1,
    memoryMb: 128,
    diskGb: 1,
    environment: {},
    internet: false,
    imageDirectory,
  });
if (count === undefined) {
  const { address } = await start(id);
  console.log(address);
} else {
  const starts = Array.from({ length: Number(count) }, (_, index) => start(`${id}${index}`));
  setImmediate(() => console.log('starting'));
  await Promise.all(starts);
}
await new Promise(() => setInterval(() => undefined, 1000));
