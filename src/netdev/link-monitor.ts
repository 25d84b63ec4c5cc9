/**
 * Tells when an interface changes: comes up, loses carrier, gets another MTU or address, goes away. Listens to the
 * kernel's link messages (rtnetlink(7)); what exactly changed is asked by ioctl afterwards, so a lost message costs nothing.
 */
import type { PacketMemory } from './packet-memory.ts';
import { EINTR, ENOBUFS, type Watch } from './system-calls.ts';

const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0x800 | 0x80000;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const SOCKADDR_LENGTH = 12;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
/** nlmsghdr, then ifinfomsg with the index at byte 4 */
const MESSAGE_INDEX = 20;
const SHORTEST_LINK_MESSAGE = 32;
const READ_LENGTH = 8192;

/** Watches interface `index` in the network namespace of the calling thread; null when the system does not allow it. */
export function watchLink(memory: PacketMemory, index: number, listener: () => void): Watch | null {
  const { calls, view, scratch, scratchAddress } = memory;
  const fd = calls.socket(AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return null;
  memory.bytes.fill(0, scratch, scratch + SOCKADDR_LENGTH);
  view.setUint16(scratch, AF_NETLINK, true);
  view.setUint32(scratch + 8, RTMGRP_LINK, true);
  if (calls.bind(fd, scratchAddress, SOCKADDR_LENGTH) < 0) {
    calls.close(fd);
    return null;
  }
  const watch = calls.watchReadable(fd, () => {
    let isConcerned = false;
    for (;;) {
      const length = calls.read(fd, scratchAddress, READ_LENGTH);
      if (length === -EINTR) continue;
      // The kernel had more messages than room: anything may have changed.
      if (length === -ENOBUFS) isConcerned = true;
      else if (length <= 0) break;
      else if (mentionsLink(view, scratch, length, index)) isConcerned = true;
    }
    if (isConcerned) listener();
  });
  return {
    stop(): void {
      watch.stop();
      calls.close(fd);
    },
  };
}

function mentionsLink(view: DataView, start: number, length: number, index: number): boolean {
  let offset = 0;
  while (offset + SHORTEST_LINK_MESSAGE <= length) {
    const messageLength = view.getUint32(start + offset, true);
    const type = view.getUint16(start + offset + 4, true);
    if (type === RTM_NEWLINK || type === RTM_DELLINK) {
      if (view.getInt32(start + offset + MESSAGE_INDEX, true) === index) return true;
    }
    if (messageLength < SHORTEST_LINK_MESSAGE) return false;
    offset += (messageLength + 3) & ~3;
  }
  return false;
}
