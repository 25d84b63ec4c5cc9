/**
 * The VLAN tag (IEEE 802.1Q; 802.1ad for the outer of two): TPID and TCI.
 *
 * The tag is taken as the four bytes that are inserted after the source address: TPID first. The type of what follows,
 * or the next tag's TPID, is behind it. So pushing a tag is inserting four bytes at `ETHERNET_TYPE_OFFSET`.
 */
import { ETHERTYPE_QINQ, ETHERTYPE_VLAN } from './ethernet.ts';

export const VLAN_TAG_LENGTH = 4;
export const VLAN_ID_MASK = 0x0fff;
/** drop eligible indicator, once "canonical format indicator" */
export const VLAN_DEI = 0x1000;
export const VLAN_PRIORITY_MASK = 0xe000;
export const VLAN_PRIORITY_SHIFT = 13;

export interface VlanTag {
  /** `ETHERTYPE_VLAN` or `ETHERTYPE_QINQ` */
  readonly tpid: number;
  /** 0..7 */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** 0..4095; 0 is a priority tag */
  readonly vlanId: number;
}

/** Whether a type field with this value is a VLAN tag's TPID. */
export function isVlanType(type: number): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ;
}

/** The length of the tag whose TPID is at `offset`; -1 when there is none, or no type behind it. */
export function checkVlan(view: DataView, offset: number, end: number): number {
  if (end - offset < VLAN_TAG_LENGTH + 2 || !isVlanType(view.getUint16(offset))) {
    return -1;
  }
  return VLAN_TAG_LENGTH;
}

export function vlanTpid(view: DataView, offset: number): number {
  return view.getUint16(offset);
}

/** priority (3 bits), DEI (1), VLAN id (12) */
export function vlanTci(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

export function setVlanTpid(view: DataView, offset: number, tpid: number): void {
  view.setUint16(offset, tpid);
}

export function setVlanTci(view: DataView, offset: number, tci: number): void {
  view.setUint16(offset + 2, tci);
}

/** The tag whose TPID is at `offset`, or `null` when there is none. */
export function parseVlan(view: DataView, offset: number, end: number): VlanTag | null {
  if (checkVlan(view, offset, end) < 0) {
    return null;
  }
  const tci = vlanTci(view, offset);
  return {
    tpid: vlanTpid(view, offset),
    priority: tci >>> VLAN_PRIORITY_SHIFT,
    dropEligible: (tci & VLAN_DEI) !== 0,
    vlanId: tci & VLAN_ID_MASK,
  };
}

/** Bytes that `emitVlan` writes. */
export function vlanLength(_tag: VlanTag): number {
  return VLAN_TAG_LENGTH;
}

/** Writes TPID and TCI and returns their length; the type behind them is the caller's. */
export function emitVlan(tag: VlanTag, view: DataView, offset: number): number {
  setVlanTpid(view, offset, tag.tpid);
  const dei = tag.dropEligible ? VLAN_DEI : 0;
  setVlanTci(view, offset, (tag.priority << VLAN_PRIORITY_SHIFT) | dei | tag.vlanId);
  return VLAN_TAG_LENGTH;
}

/** As tcpdump: `vlan 10, p 3, DEI`. */
export function formatVlan(tag: VlanTag): string {
  return `vlan ${tag.vlanId}, p ${tag.priority}${tag.dropEligible ? ', DEI' : ''}`;
}
