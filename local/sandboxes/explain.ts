/**
 * Turns what bubblewrap and the kernel say when they refuse into what to do about it.
 * Owns these texts and nothing else.
 */
import { existsSync, readFileSync } from 'node:fs';

export interface Explanation {
  readonly reason: string;
  readonly remedy: string;
}

export interface KernelSettings {
  readonly appArmorRestrictsUserNamespaces: boolean;
}

const APPARMOR_PROFILE = `write /etc/apparmor.d/bwrap:
    abi <abi/4.0>,
    include <tunables/global>
    profile bwrap /usr/bin/bwrap flags=(unconfined) {
      userns,
      include if exists <local/bwrap>
    }
  then run \`systemctl reload apparmor\` (or, for every program: \`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\`)`;

const KNOWN: readonly (Explanation & {
  readonly pattern: RegExp;
  readonly needs?: keyof KernelSettings;
})[] = [
  {
    pattern: /spawn \S*bwrap ENOENT/,
    reason: 'bubblewrap is not installed',
    remedy: 'run `apt-get install bubblewrap uidmap`, or the like on your system',
  },
  {
    pattern: /nesting depth or \/proc\/sys\/user\/max_\S+ exceeded/,
    reason: 'user namespaces are switched off',
    remedy: 'run `sysctl -w user.max_user_namespaces=15000` as root',
  },
  {
    pattern: /setting up uid map: Permission denied|RTM_NEWADDR: Operation not permitted/,
    needs: 'appArmorRestrictsUserNamespaces',
    reason: 'AppArmor keeps programs without a profile from user namespaces',
    remedy: APPARMOR_PROFILE,
  },
  {
    pattern:
      /Creating new namespace failed: Operation not permitted|No permissions to create new namespace/,
    reason:
      'user namespaces are forbidden: in a chroot, by a container’s seccomp profile, or by kernel.unprivileged_userns_clone=0',
    remedy:
      'run on the host itself, start the container with `--security-opt seccomp=unconfined`, or run `sysctl -w kernel.unprivileged_userns_clone=1`',
  },
  {
    pattern: /Can't mount proc on \S+: Operation not permitted/,
    reason: 'we are inside a container that hides parts of /proc',
    remedy:
      'run on the host itself, or start the container with `--security-opt systempaths=unconfined`',
  },
  {
    pattern: /uid_map|newuidmap|newgidmap/,
    reason: 'this user may not give a sandbox users of its own',
    remedy:
      'install `uidmap` and give the user ranges in /etc/subuid and /etc/subgid (`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`), or run as root',
  },
];

export function explain(message: string, settings = readSettings()): Explanation {
  const known = KNOWN.find(
    ({ pattern, needs }) => pattern.test(message) && (needs === undefined || settings[needs]),
  );
  if (known === undefined) {
    return {
      reason: message,
      remedy: 'report this message together with the output of `npm run doctor`',
    };
  }
  return { reason: `${known.reason} (${message})`, remedy: known.remedy };
}

function readSettings(): KernelSettings {
  const path = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
  const restricted = existsSync(path) && readFileSync(path, 'utf8').trim() === '1';
  return { appArmorRestrictsUserNamespaces: restricted };
}
