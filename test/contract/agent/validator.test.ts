/** What a parser's end says of the code, and what it does not. */
import { expect, it } from 'vitest';
import { Validator } from '../../../containers/agent/contexts/validator.ts';
import type { LanguageDriver } from '../../../containers/agent/languages.ts';
import type { Command, LauncherOptions } from '../../../containers/agent/processes/user-process.ts';
import { AppError } from '../../../contract/errors.ts';

const launcher = { launcher: 'none', dataBytes: 0 } as LauncherOptions;

function validatorOf(validator: Command, bounds: { waitMs?: number; refuseNew?: () => void } = {}) {
  const driver = { language: 'bash', validator, reservedBytes: 0 } as unknown as LanguageDriver;
  const { refuseNew = () => undefined, waitMs = 10_000 } = bounds;
  return new Validator({
    launcher,
    drivers: Promise.resolve(new Map([['bash', driver]])),
    environment: {},
    bounds: { waiting: 3, waitMs, answerMs: 10_000 },
    refuseNew,
  });
}

const script = (text: string): Command => ['/bin/sh', '-c', text];
const asked = (validator: Validator) =>
  validator.validate({ language: 'bash', code: 'echo' }).catch((error: unknown) => error);

it.each<[string, Command]>([
  ['did not start', ['/nonexistent/parser']],
  ['ended before it had read the code', script('exit 3')],
  ['was ended', script('echo ready; kill -9 $$')],
])('a parser that %s has found nothing: ask again', async (_, command) => {
  expect(await asked(validatorOf(command))).toMatchObject({ code: 'AGENT_UNREACHABLE' });
});

it('a parser that dies of the code has found what no interpreter runs either', async () => {
  const answer = await asked(validatorOf(script('echo ready; kill -SEGV $$')));
  expect(answer).toMatchObject({ valid: false, problems: [{ line: 1 }] });
});

it('whoever would wait longer than a caller does is refused, and who comes later is served', async () => {
  const validator = validatorOf(script('echo ready; sleep 0.2; echo "{\\"problems\\":[]}"'), {
    waitMs: 50,
  });
  const answers = await Promise.all([asked(validator), asked(validator)]);
  expect(answers).toMatchObject([{ valid: true }, { code: 'RESOURCE_LIMIT_ERROR' }]);
  expect(await asked(validator)).toMatchObject({ valid: true });
});

it('a sandbox that ends validates nothing more', async () => {
  const refuseNew = () => {
    throw new AppError('INVALID_SANDBOX_STATE', 'ending');
  };
  expect(await asked(validatorOf(script('exit 0'), { refuseNew }))).toMatchObject({
    code: 'INVALID_SANDBOX_STATE',
  });
});
