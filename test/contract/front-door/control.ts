/** A control port over a stage, with nothing behind it but what a test gives it. */
import { ConsumedUnits } from '../../../local/services/dynamodb/consumed-units.ts';
import { ControlServer } from '../../../local/services/front-door/control-server.ts';
import { AccessControl } from '../../../local/services/iam/access-control.ts';
import { Queues } from '../../../local/services/sqs/queues.ts';
import { TransitionCounts } from '../../../local/services/step-functions/transition-counts.ts';
import type { Stage } from '../lambda/stage.ts';

export const TOKEN = 'token-of-this-test';

type Parts = ConstructorParameters<typeof ControlServer>[0];

export async function openControl(stage: Stage, parts: Partial<Parts> = {}) {
  const control = new ControlServer({
    token: TOKEN,
    functions: stage.lambda,
    counts: stage.frontDoor.counts,
    faults: stage.frontDoor.faults,
    stateMachines: { transitions: new TransitionCounts(), executions: () => [] },
    queues: new Queues(),
    tables: { units: new ConsumedUnits() },
    access: new AccessControl({ log: () => {} }),
    operator: { endpoint: '', region: '', accessKeyId: '', secretAccessKey: '' },
    ...parts,
  });
  const url = await control.listen();
  /** Of a request such as `GET /functions`. */
  const send = async (request: string, init: RequestInit = {}) => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(url + path, { method, headers, ...init });
    // oxlint-disable-next-line typescript/no-explicit-any -- an answer is untyped until it is asserted
    return { status: answer.status, body: (await answer.json()) as any };
  };
  return { url, send, [Symbol.asyncDispose]: () => control.close() };
}
