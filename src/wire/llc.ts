/**
 * The 802.2 LLC header with SNAP extension (IEEE 802, RFC 1042), which stands where a length stands instead of an
 * Ethertype: DSAP, SSAP, control, organization, type.
 *
 * `frameEthertype` answers what every classifier asks: which Ethertype does this frame carry, whichever way it says it.
 */
import { ETHERTYPE_MINIMUM, ETHERTYPE_NONE } from './ethernet.ts';

export const SNAP_HEADER_LENGTH = 8;
const SNAP_SAP = 0xaa;
const SNAP_CONTROL = 3;
/** organization 0: `type` is an Ethertype */
export const SNAP_ORGANIZATION_ETHERNET = 0;

export interface SnapHeader {
  /** 24-bit OUI */
  readonly organization: number;
  readonly type: number;
}

/** The length of the SNAP header at `offset`; -1 when there is none: too short, or another kind of 802.2 header. */
export function checkSnap(view: DataView, offset: number, end: number): number {
  if (end - offset < SNAP_HEADER_LENGTH) {
    return -1;
  }
  const isSnap = view.getUint16(offset) === ((SNAP_SAP << 8) | SNAP_SAP) && view.getUint8(offset + 2) === SNAP_CONTROL;
  return isSnap ? SNAP_HEADER_LENGTH : -1;
}

export function snapOrganization(view: DataView, offset: number): number {
  return view.getUint32(offset + 2) & 0xffffff;
}

export function snapType(view: DataView, offset: number): number {
  return view.getUint16(offset + 6);
}

export function setSnapOrganization(view: DataView, offset: number, organization: number): void {
  view.setUint8(offset + 3, organization >>> 16);
  view.setUint16(offset + 4, organization & 0xffff);
}

export function setSnapType(view: DataView, offset: number, type: number): void {
  view.setUint16(offset + 6, type);
}

/**
 * The Ethertype that the field at `typeOffset` says (behind the last VLAN tag): itself, or that of the SNAP header
 * behind it, or `ETHERTYPE_NONE` when it has none (ovs-fields(7), `eth_type`). The type field must be in the frame.
 */
export function frameEthertype(view: DataView, typeOffset: number, end: number): number {
  const type = view.getUint16(typeOffset);
  if (type >= ETHERTYPE_MINIMUM) {
    return type;
  }
  const offset = typeOffset + 2;
  if (checkSnap(view, offset, end) < 0 || snapOrganization(view, offset) !== SNAP_ORGANIZATION_ETHERNET) {
    return ETHERTYPE_NONE;
  }
  const inner = snapType(view, offset);
  return inner >= ETHERTYPE_MINIMUM ? inner : ETHERTYPE_NONE;
}

/** The header at `offset`, or `null` when there is none. */
export function parseSnap(view: DataView, offset: number, end: number): SnapHeader | null {
  if (checkSnap(view, offset, end) < 0) {
    return null;
  }
  return { organization: snapOrganization(view, offset), type: snapType(view, offset) };
}

/** Bytes that `emitSnap` writes. */
export function snapLength(_header: SnapHeader): number {
  return SNAP_HEADER_LENGTH;
}

/** Writes the header and returns its length. */
export function emitSnap(header: SnapHeader, view: DataView, offset: number): number {
  view.setUint8(offset, SNAP_SAP);
  view.setUint8(offset + 1, SNAP_SAP);
  view.setUint8(offset + 2, SNAP_CONTROL);
  setSnapOrganization(view, offset, header.organization);
  setSnapType(view, offset, header.type);
  return SNAP_HEADER_LENGTH;
}

export function formatSnap(header: SnapHeader): string {
  const organization = header.organization.toString(16).padStart(6, '0');
  return `LLC, SNAP, oui 0x${organization}, ethertype 0x${header.type.toString(16).padStart(4, '0')}`;
}
