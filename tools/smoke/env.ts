/** What the smoke test reads from its environment. */
export const environment = () => ({
  apiKey: process.env['CODE_INTERPRETER_API_KEY'] || undefined,
  baseUrl: process.env['CODE_INTERPRETER_BASE_URL'] || undefined,
});
