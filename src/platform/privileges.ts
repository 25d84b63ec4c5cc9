/** What this process is allowed to do, and what to tell somebody who is not allowed. See capabilities(7). */
import { accessSync, constants, readFileSync } from 'node:fs';
import { PlatformError } from './platform-error.ts';

/** Bit numbers of the capabilities that the switch has a use for. */
const CAPABILITY_BITS = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
} as const;

export type Capability = keyof typeof CAPABILITY_BITS;

/** Whether this process has the capability in its effective set; false where there is no /proc. */
export function hasCapability(capability: Capability): boolean {
  return hasBit(readStatus(), capability);
}

/**
 * Throws a `PlatformError` that names the missing capabilities and the way out, unless all are there. `purpose` completes
 * the sentence "… needs", such as `opening packet sockets`.
 */
export function requireCapabilities(purpose: string, capabilities: readonly Capability[]): void {
  const status = readStatus();
  const missing = capabilities.filter((capability) => !hasBit(status, capability));
  if (missing.length === 0) return;
  throw new PlatformError(
    'platform-permission',
    `${purpose} needs ${missing.join(' and ')}; run as root, or in namespaces of your own with "unshare -Urnm"`,
  );
}

/** Why `NetworkNamespaces` cannot work here, or null when it can: it needs `ip netns`, and so the right to make namespaces. */
export function networkNamespacesProblem(): string | null {
  if (process.platform !== 'linux') return `network namespaces need Linux, this is ${process.platform}`;
  const status = readStatus();
  const missing = (['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN'] as const).filter((c) => !hasBit(status, c));
  if (missing.length > 0) return `network namespaces need ${missing.join(', ')}; run as root`;
  return null;
}

/** Whether TAP devices can be made: CAP_NET_ADMIN and access to /dev/net/tun. */
export function canCreateTap(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  return hasCapability('CAP_NET_ADMIN');
}

function hasBit(status: string, capability: Capability): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return false;
  return ((BigInt(`0x${effective}`) >> BigInt(CAPABILITY_BITS[capability])) & 1n) === 1n;
}

function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
