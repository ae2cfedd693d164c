/**
 * One bucket on disk. The bytes of an object lie in `data/` under a random name and never change; its record in
 * `objects/`, named by the hash of the key, points to them and is replaced by rename. So a reader sees the old object
 * or the new one, a kill leaves one of them, and no key can name a path.
 */
import { hash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyLocks } from '../shared/key-locks.ts';
import type { Checksums } from './checksums.ts';
import { compareUtf8 } from './key-order.ts';

export interface StoredObject {
  readonly key: string;
  /** Name in `data/`. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  /** ISO 8601. */
  readonly lastModified: string;
  readonly checksums: Checksums;
  /** Content-Type and the like, `x-amz-meta-…` included: what a GET gives back as it came. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface CorsRule {
  readonly AllowedOrigins: readonly string[];
  readonly AllowedMethods: readonly string[];
  readonly AllowedHeaders?: readonly string[] | undefined;
  readonly ExposedHeaders?: readonly string[] | undefined;
  readonly MaxAge?: number | undefined;
}

export interface BucketOptions {
  /** Objects and unfinished uploads older than this are deleted. */
  readonly lifecycleDays?: number | undefined;
  /** As in `AWS::S3::Bucket` CorsConfiguration. */
  readonly corsRules?: readonly CorsRule[] | undefined;
}

const LOAD_AT_ONCE = 64;

export class Bucket {
  readonly name: string;
  readonly options: BucketOptions;
  readonly #directory: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #locks = new KeyLocks();
  /** Built when a listing asks for it. */
  #sortedKeys: string[] | undefined;

  private constructor(name: string, directory: string, options: BucketOptions) {
    this.name = name;
    this.#directory = directory;
    this.options = options;
  }

  static async open(name: string, directory: string, options: BucketOptions): Promise<Bucket> {
    const bucket = new Bucket(name, directory, options);
    for (const part of ['data', 'objects', 'uploads']) {
      await mkdir(join(directory, part), { recursive: true, mode: 0o700 });
    }
    await bucket.#load();
    return bucket;
  }

  get sortedKeys(): readonly string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort(compareUtf8);
    return this.#sortedKeys;
  }

  get uploadsDirectory(): string {
    return join(this.#directory, 'uploads');
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  dataPath(file: string): string {
    return join(this.#directory, 'data', file);
  }

  /** A fresh place for bytes, which nobody sees until `put` points to it. */
  newFile(): string {
    return randomUUID();
  }

  /** Makes the object visible. `allow` sees what it would replace, with nothing in between; if it throws, the bytes go. */
  async put(
    object: StoredObject,
    allow: (current: StoredObject | undefined) => void,
  ): Promise<void> {
    await this.#locks.run([object.key], async () => {
      const current = this.#objects.get(object.key);
      try {
        allow(current);
        const record = this.#recordPath(object.key);
        await writeFile(`${record}.new`, JSON.stringify(object));
        await rename(`${record}.new`, record);
      } catch (error) {
        await rm(this.dataPath(object.file), { force: true });
        throw error;
      }
      this.#objects.set(object.key, object);
      if (current === undefined) this.#sortedKeys = undefined;
      else await rm(this.dataPath(current.file), { force: true });
    });
  }

  /** Nothing happens when there is no such object, or when `only` is no longer the one that is there. */
  async delete(key: string, only?: StoredObject): Promise<void> {
    await this.#locks.run([key], async () => {
      const current = this.#objects.get(key);
      if (current === undefined || (only !== undefined && current !== only)) return;
      await rm(this.#recordPath(key), { force: true });
      this.#objects.delete(key);
      this.#sortedKeys = undefined;
      await rm(this.dataPath(current.file), { force: true });
    });
  }

  #recordPath(key: string): string {
    return join(this.#directory, 'objects', `${hash('sha256', key)}.json`);
  }

  async #load(): Promise<void> {
    const directory = join(this.#directory, 'objects');
    const names = await readdir(directory);
    for (let at = 0; at < names.length; at += LOAD_AT_ONCE) {
      const some = names.slice(at, at + LOAD_AT_ONCE);
      await Promise.all(some.map((name) => this.#loadRecord(join(directory, name))));
    }
    const known = new Set([...this.#objects.values()].map((object) => object.file));
    for (const file of await readdir(join(this.#directory, 'data'))) {
      if (!known.has(file)) await rm(this.dataPath(file), { force: true });
    }
  }

  async #loadRecord(path: string): Promise<void> {
    if (!path.endsWith('.json')) {
      await rm(path, { force: true });
      return;
    }
    const object = JSON.parse(await readFile(path, 'utf8')) as StoredObject;
    this.#objects.set(object.key, object);
  }
}
