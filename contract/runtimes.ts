/**
 * What a caller may ask for. A runtime is a family, or a family with a version; each maps to
 * languages and an image target. Only what works is listed.
 */
import * as z from 'zod/mini';

export const LANGUAGES = ['python', 'javascript', 'typescript', 'bash'] as const;
export const Language = z.enum(LANGUAGES);
export type Language = z.infer<typeof Language>;

/** Every family of an image target may run what that target has. */
const IN_PYTHON_TARGET = LANGUAGES;

export const RUNTIMES = {
  python: {
    versions: ['3.11'],
    defaultLanguage: 'python',
    languages: IN_PYTHON_TARGET,
    imageTarget: 'python',
  },
  node: {
    versions: ['24'],
    defaultLanguage: 'javascript',
    languages: IN_PYTHON_TARGET,
    imageTarget: 'python',
  },
  bash: {
    versions: ['5.2'],
    defaultLanguage: 'bash',
    languages: IN_PYTHON_TARGET,
    imageTarget: 'python',
  },
} as const satisfies Record<
  string,
  {
    versions: readonly string[];
    defaultLanguage: Language;
    languages: readonly Language[];
    imageTarget: 'python' | 'full';
  }
>;
export type RuntimeFamily = keyof typeof RUNTIMES;

const names = Object.entries(RUNTIMES).flatMap(([family, { versions }]) => [
  family,
  ...versions.map((version) => `${family}${version}`),
]) as [string, ...string[]];

/** `python` or `python3.11`. */
export const RuntimeName = z.enum(names);

/** The runtime for code of this language: the family that is made for it, else one that has it. */
export function runtimeFor(language: Language): RuntimeFamily {
  const families = Object.entries(RUNTIMES) as [RuntimeFamily, (typeof RUNTIMES)[RuntimeFamily]][];
  const own = families.find(([, { defaultLanguage }]) => defaultLanguage === language);
  const [family] = own ?? families.find(([, { languages }]) => languages.includes(language)) ?? [];
  if (!family) throw new Error(`no runtime has ${language}`);
  return family;
}

/** The family of a valid runtime name. */
export function runtimeFamily(name: string): RuntimeFamily {
  const family = (Object.keys(RUNTIMES) as RuntimeFamily[]).find((key) => name.startsWith(key));
  if (!family) throw new Error(`not a runtime: ${name}`);
  return family;
}
