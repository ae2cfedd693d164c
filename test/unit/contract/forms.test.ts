/** The forms of a result are found by plain names, and believed only where they are of their shape. */
import { describe, expect, test } from 'vitest';
import { formsOf } from '../../../contract/forms.ts';
import { openApiDocument } from '../../../contract/openapi.ts';

const CHART = 'application/vnd.code-interpreter.chart+json';
const DATA = 'application/vnd.code-interpreter.data+json';
const pie = { type: 'pie', title: null, elements: [{ label: 'a', angle: 360, radius: 1 }] };
const table = { columns: [{ name: 'a', type: 'int64', values: [1] }], index: [], rowCount: 1 };

describe('formsOf', () => {
  test('names each form, and leaves the rest by its MIME type', () => {
    const bundle = {
      'text/plain': 't',
      'text/html': '<b>',
      'image/png': 'cG5n',
      'application/json': { a: [1] },
      [CHART]: pie,
      [DATA]: table,
      'application/vnd.plotly.v1+json': { data: [] },
    };
    expect(formsOf(bundle)).toEqual({
      text: 't',
      html: '<b>',
      png: 'cG5n',
      json: { a: [1] },
      chart: pie,
      data: table,
      extra: { 'application/vnd.plotly.v1+json': { data: [] } },
    });
  });

  test('leaves in extra what only pretends to be of a form', () => {
    const bundle = {
      'text/plain': 7,
      [CHART]: { type: 'pie', title: null, elements: [{ angle: 'wide' }] },
      [DATA]: { columns: 3 },
    };
    expect(formsOf(bundle)).toEqual({ extra: bundle });
  });

  test('keeps null as a value of JSON', () => {
    expect(formsOf({ 'application/json': null })).toEqual({ json: null, extra: {} });
  });
});

test('charts and tables have a name in the OpenAPI document', () => {
  const { components } = openApiDocument('https://example.test');
  expect(components).toMatchObject({
    schemas: { Chart: expect.anything(), TableData: expect.anything() },
  });
});
