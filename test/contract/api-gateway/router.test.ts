import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Router } from '../../../local/services/api-gateway/router.ts';
import { route } from './fixture.ts';

const segment = fc.stringMatching(/^[a-z0-9%~-]{1,8}$/);

describe('the router', () => {
  it('finds every path that was made from a resource, with the parameters it was made of', () => {
    const part = fc.oneof(
      segment.map((literal) => ({ template: literal, value: literal, name: undefined })),
      fc
        .record({ name: fc.stringMatching(/^[a-z]{1,5}$/), value: segment })
        .map(({ name, value }) => ({ template: `{${name}}`, value, name })),
    );
    const parts = fc.uniqueArray(part, {
      minLength: 1,
      maxLength: 5,
      selector: ({ template }) => template,
    });
    fc.assert(
      fc.property(parts, (path) => {
        const template = `/${path.map((one) => one.template).join('/')}`;
        const router = new Router([route(`GET ${template}`, 'f')]);
        const match = router.match('GET', `/${path.map((one) => one.value).join('/')}`);
        expect(match?.method.resourcePath).toBe(template);
        expect(match?.pathParameters).toEqual(
          Object.fromEntries(
            path.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])),
          ),
        );
      }),
    );
  });

  it('never throws on any path', () => {
    const router = new Router([route('GET /a/{b}/c', 'f'), route('ANY /a/{rest+}', 'f')]);
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        router.match('GET', path);
      }),
    );
  });

  it('goes back from a literal that leads nowhere', () => {
    const router = new Router([route('GET /a/b/c', 'one'), route('GET /a/{x}/d', 'two')]);
    expect(router.match('GET', '/a/b/d')?.pathParameters).toEqual({ x: 'b' });
  });

  it('prefers a method of its own to ANY', () => {
    const router = new Router([route('ANY /a', 'any'), route('GET /a', 'get')]);
    const nameOf = (method: string) => {
      const integration = router.match(method, '/a')?.method.integration;
      return integration?.kind === 'function' ? integration.functionName : undefined;
    };
    expect([nameOf('GET'), nameOf('POST')]).toEqual(['get', 'any']);
  });
});
