import { describe, expect, it } from 'vitest';
import { sourcesIn } from '../../../local/image/base.ts';
import { BUILDERS, buildCommand } from '../../../local/image/builder.ts';
import { pipe, run } from '../../../local/image/program.ts';

const request = {
  contextDirectory: '/context',
  target: 'python',
  tag: 'localhost/x:python',
  architecture: 'arm64',
  buildArguments: { BASE_IMAGE: 'debian' },
  labels: { 'a.b': 'c d' },
  cache: true,
} as const;

describe('the command that builds', () => {
  it.each(BUILDERS)('says the same in the words of %s', (name) => {
    const command = buildCommand(name, request);
    expect(command.at(-1)).toBe('/context');
    const said = command.join(' ');
    for (const part of [
      '--platform linux/arm64',
      '--target python',
      '--tag localhost/x:python',
      '--build-arg BASE_IMAGE=debian',
      '--label a.b=c d',
    ])
      expect(said).toContain(part);
    expect(said).not.toContain('--no-cache');
    expect(buildCommand(name, { ...request, cache: false })).toContain('--no-cache');
  });

  it('needs no OCI runtime, and keeps layers', () => {
    expect(buildCommand('buildah', request).slice(0, 4)).toEqual([
      'bud',
      '--isolation',
      'chroot',
      '--layers',
    ]);
    expect(buildCommand('docker', request)[0]).toBe('build');
  });
});

describe('a program that is run', () => {
  it('answers what it wrote, and says each line on the way', async () => {
    const lines: string[] = [];
    const said = await run('sh', ['-c', 'echo one; echo two >&2; echo three'], {
      onLine: (line) => void lines.push(line),
    });
    expect(said).toBe('one\nthree');
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
  });

  it('rejects with what it said last', async () => {
    await expect(run('sh', ['-c', 'echo because >&2; exit 3'])).rejects.toThrow(
      /sh -c ended with 3\nbecause/,
    );
    await expect(run('/no/such/program', [])).rejects.toThrow('ENOENT');
  });

  it('hands all that it writes to another one', async () => {
    await pipe(['sh', '-c', 'yes | head -c 3000000'], ['sh', '-c', 'test $(wc -c) = 3000000']);
    await expect(pipe(['sh', '-c', 'exit 4'], ['cat'])).rejects.toThrow('ended with 4 and 0');
    await expect(pipe(['yes'], ['false'])).rejects.toThrow('and 1');
  });
});

describe('the mirrors of a base', () => {
  it('are those of bookworm, the release first', () => {
    const text = [
      'bookworm-security main http://one/security/',
      'stable main http://other/',
      'bookworm contrib http://two/',
      'bookworm main http://two/',
    ].join('\n');
    expect(sourcesIn(text)).toEqual([
      { suite: 'bookworm', uri: 'http://two/' },
      { suite: 'bookworm-security', uri: 'http://one/security/' },
    ]);
  });

  it('must be there', () => {
    expect(() => sourcesIn('noble main http://other/')).toThrow('no mirror of Debian bookworm');
  });
});
