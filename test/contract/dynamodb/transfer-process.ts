/** Runs transactions until it is killed: two counters and one new row each, which must stay in step. */
import { DynamoDbService } from '../../../local/services/dynamodb/service.ts';
import { declaration, TableName } from './fixture.ts';

const [path, from] = process.argv.slice(2);
const tables = new DynamoDbService({ path });
await tables.createTable(declaration);

const add = (pk: string) => ({
  Update: {
    TableName,
    Key: { pk: { S: pk }, sk: { S: '1' } },
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': { N: '1' } },
  },
});

let count = Number(from);
async function transferForEver(): Promise<void> {
  for (;;) {
    const next = count + 1;
    const Item = {
      pk: { S: `row-${next}-${process.pid}` },
      sk: { S: '1' },
      gpk: { S: 'rows' },
      gsk: { N: `${next}` },
    };
    await tables.call('TransactWriteItems', {
      TransactItems: [add('left'), { Put: { TableName, Item } }, add('right')],
    });
    count = next;
    process.send?.(count);
  }
}

await transferForEver();
