/** Finds the recirculation ids that a megaflow names, so that their states live as long as it does. */
import {
  COOKIE_CONTROLLER,
  OVS_ACTION_ATTR_CHECK_PKT_LEN,
  OVS_ACTION_ATTR_CLONE,
  OVS_ACTION_ATTR_RECIRC,
  OVS_ACTION_ATTR_SAMPLE,
  OVS_ACTION_ATTR_USERSPACE,
} from '../dpif/index.ts';
import { type FlowWords, W_RECIRC_ID } from '../flow/index.ts';

/** Words of a `userspace` action before its cookie, and of the cookie before the recirculation id (action-code.ts). */
const USERSPACE_COOKIE = 4;
const COOKIE_RECIRC_ID = 3;

const NONE: readonly number[] = [];

/** The ids that a megaflow needs: that of its key, where it is one of recirculated packets, and those in its actions. */
export function recircIdsOf(key: FlowWords, code: Int32Array): readonly number[] {
  const ids: number[] = [];
  if (key[W_RECIRC_ID] !== 0) {
    ids.push(key[W_RECIRC_ID]!);
  }
  collect(code, 0, code.length, ids);
  return ids.length === 0 ? NONE : ids;
}

function collect(code: Int32Array, start: number, end: number, ids: number[]): void {
  for (let at = start; at < end; at += code[at]! & 0xffff) {
    const next = at + (code[at]! & 0xffff);
    switch (code[at]! >>> 16) {
      case OVS_ACTION_ATTR_RECIRC:
        ids.push(code[at + 1]!);
        break;
      case OVS_ACTION_ATTR_USERSPACE:
        if (code[at + USERSPACE_COOKIE] === COOKIE_CONTROLLER) {
          ids.push(code[at + USERSPACE_COOKIE + COOKIE_RECIRC_ID]!);
        }
        break;
      case OVS_ACTION_ATTR_CLONE:
        collect(code, at + 1, next, ids);
        break;
      case OVS_ACTION_ATTR_SAMPLE:
        collect(code, at + 2, next, ids);
        break;
      case OVS_ACTION_ATTR_CHECK_PKT_LEN:
        collect(code, at + 3, next, ids);
        break;
    }
  }
}
