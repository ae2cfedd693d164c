/** The access keys of this machine's AWS: one pair per function or tool, made at start and never written anywhere. */
import { randomBytes } from 'node:crypto';

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface NamedKey extends AccessKey {
  readonly name: string;
}

export class Keyring {
  readonly #byName = new Map<string, NamedKey>();
  readonly #byId = new Map<string, NamedKey>();

  /** The same name gets the same pair. */
  issue(name: string): AccessKey {
    const key = this.#byName.get(name) ?? this.#create(name);
    return { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
  }

  find(accessKeyId: string): NamedKey | undefined {
    return this.#byId.get(accessKeyId);
  }

  #create(name: string): NamedKey {
    const key = {
      name,
      accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64url'),
    };
    this.#byName.set(name, key);
    this.#byId.set(key.accessKeyId, key);
    return key;
  }
}
