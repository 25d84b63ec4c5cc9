/**
 * What needs Linux or Node: system calls, files, clocks, privileges, network namespaces. Nothing else in the package
 * touches them; the layers declare what they need as small interfaces, and programs hand them the implementations from
 * here. Importing this loads nothing native: koffi is loaded by the first call of `linuxSystemCalls`.
 */
export { type DurableFile, openDurableFile, sha1Hex } from './append-file.ts';
export { monotonicMilliseconds, wallMilliseconds } from './clock.ts';
export { openUnixDatagram, type UnixDatagram } from './datagram-socket.ts';
export { findLockHolder, tryLockFile } from './file-lock.ts';
export { type FileSink, type FileSource, openFileSink, openFileSource } from './files.ts';
export { type LinuxSystemCalls, linuxSystemCalls } from './linux.ts';
export { NetworkNamespaces, type VethEnd } from './network-namespace.ts';
export { PlatformError, type PlatformErrorCode } from './platform-error.ts';
export {
  type Capability,
  canCreateTap,
  hasCapability,
  networkNamespacesProblem,
  requireCapabilities,
} from './privileges.ts';
export { closeStandardStreams } from './standard-streams.ts';
export {
  connectStream,
  listenStream,
  type SocketOptions,
  type SocketStream,
  type SocketStreamListener,
  type StreamServer,
  type TlsCredentials,
} from './stream-socket.ts';
export { eventLoopTimers } from './timers.ts';
