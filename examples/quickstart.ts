import { CodeInterpreter } from '@code-interpreter/sdk';

const client = new CodeInterpreter();
await using sandbox = await client.createSandbox({ runtime: 'python' });

const code = `
import time
for step in range(1, 4):
    print("step", step, flush=True)
    time.sleep(0.5)
sum(range(10))
`;
const { outcome, results, metrics } = await sandbox.execute(code, {
  onStdout: (text) => process.stdout.write(text),
});
console.log('value', results[0]?.data?.['text/plain']);
console.log(outcome, 'in', Math.round(metrics.wallMs), 'ms');
