/** What a look at one thing found, and what to do about it. */
export interface Check {
  readonly name: string;
  /** `warn`: a deploy goes through, or it could not be seen. `fail`: it does not, or nothing will run. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** A command where there is one. */
  readonly remedy?: string;
}

type Found = Omit<Check, 'name' | 'state'>;

export const ok = (name: string, text: string): Check => ({ name, state: 'ok', text });
export const warn = (name: string, found: Found): Check => ({ name, state: 'warn', ...found });
export const fail = (name: string, found: Found): Check => ({ name, state: 'fail', ...found });
