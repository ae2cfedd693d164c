import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateCondition,
  noValue,
  resolve,
  type Scope,
} from '../../../local/assembly/intrinsics.ts';

const scope: Scope = {
  ref: (name) =>
    ({ 'AWS::Region': 'eu-west-1', 'AWS::NoValue': noValue, Table: 'table-1' })[name] ??
    `ref:${name}`,
  attribute: (logicalId, name) => `${logicalId}.${name}`,
  condition: (name) => name === 'Yes',
  mapping: (...keys) => keys.join('/'),
  importValue: (name) => `import:${name}`,
  availabilityZones: (region) => [`${region}a`, `${region}b`],
};

const value = (template: unknown) => resolve(template, scope);

describe('intrinsic functions', () => {
  it('leave what holds no function as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        fc.pre(!JSON.stringify(json).includes('"Ref"') && !JSON.stringify(json).includes('"Fn::'));
        expect(value(json)).toEqual(json);
      }),
    );
  });

  it('join what they resolve first', () => {
    expect(
      value({ 'Fn::Join': [':', ['arn', { Ref: 'Table' }, { 'Fn::GetAtt': ['Role', 'Arn'] }]] }),
    ).toBe('arn:table-1:Role.Arn');
  });

  it('split any joined list back into its parts', () => {
    const part = fc.string().filter((text) => !text.includes('|'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        expect(value({ 'Fn::Split': ['|', { 'Fn::Join': ['|', parts] }] })).toEqual(parts);
      }),
    );
  });

  it('substitute resources, attributes and own bindings, and leave ${!Literal} alone', () => {
    const text = '${Table} ${Role.Arn} ${Own} ${!Literal} ${AWS::Region}';
    expect(value({ 'Fn::Sub': [text, { Own: { 'Fn::ImportValue': 'x' } }] })).toBe(
      'table-1 Role.Arn import:x ${Literal} eu-west-1',
    );
  });

  it('select a zone of the own Region when none is named', () => {
    expect(value({ 'Fn::Select': [1, { 'Fn::GetAZs': '' }] })).toBe('eu-west-1b');
  });

  it('take the branch of the condition, and only that', () => {
    const template = {
      'Fn::If': ['No', { 'Fn::Unknown': 1 }, { 'Fn::FindInMap': ['m', 'a', 'b'] }],
    };
    expect(value(template)).toBe('m/a/b');
  });

  it('let AWS::NoValue remove a property and a list item', () => {
    const template = { kept: 1, gone: { Ref: 'AWS::NoValue' }, list: [1, { Ref: 'AWS::NoValue' }] };
    expect(value(template)).toEqual({ kept: 1, list: [1] });
  });

  it('refuse a function that is not known, with its name', () => {
    expect(() => value({ 'Fn::Transform': {} })).toThrow(/Fn::Transform is not an intrinsic/);
  });

  it('refuse an index outside the list', () => {
    expect(() => value({ 'Fn::Select': [2, ['a', 'b']] })).toThrow(
      /index 2 is outside a list of 2/,
    );
  });
});

describe('conditions', () => {
  it.each([
    [{ 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-west-1'] }, true],
    [{ 'Fn::Not': [{ Condition: 'Yes' }] }, false],
    [{ 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] }, false],
    [{ 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] }, true],
  ])('%j is %s', (expression, expected) => {
    expect(evaluateCondition(expression, scope)).toBe(expected);
  });

  it('refuse what is no condition', () => {
    expect(() => evaluateCondition({ Ref: 'x' }, scope)).toThrow(/not a condition/);
  });
});
