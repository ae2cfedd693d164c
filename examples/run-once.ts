import { CodeInterpreter } from '@code-interpreter/sdk';

const { outcome, stdout, files } = await new CodeInterpreter().runOnce({
  language: 'python',
  code: `
import pandas as pd
prices = pd.read_csv("prices.csv")
prices.assign(gross=prices.net * 1.2).to_csv("gross.csv", index=False)
print(len(prices), "rows")
`,
  files: { 'prices.csv': 'item,net\npen,2\nbook,10\n' },
  outputFiles: ['gross.csv'],
});
console.log(outcome, stdout.trim());
console.log(new TextDecoder().decode(files['gross.csv']));
