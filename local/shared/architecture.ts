/** The processors that sandboxes are made for, by the names that the deploy configuration has for them. */
export const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** This machine's. */
export const HOST_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
