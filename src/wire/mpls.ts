/**
 * The MPLS label stack (RFC 3032 section 2.1): entries of label, traffic class, bottom-of-stack bit and TTL.
 *
 * The header is one entry; `mplsStackLength` walks to the bottom. Nothing in the stack says what lies below it: the
 * first nibble is looked at, as routers do (`mplsPayloadType`).
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';

export const MPLS_ENTRY_LENGTH = 4;
export const MPLS_LABEL_SHIFT = 12;
export const MPLS_LABEL_MASK: number = 0xfffff000 | 0;
export const MPLS_TRAFFIC_CLASS_SHIFT = 9;
export const MPLS_TRAFFIC_CLASS_MASK = 0x0e00;
export const MPLS_BOTTOM_OF_STACK = 0x0100;
export const MPLS_TTL_MASK = 0xff;

export interface MplsEntry {
  /** 20 bits */
  readonly label: number;
  /** 0..7 */
  readonly trafficClass: number;
  readonly bottomOfStack: boolean;
  readonly ttl: number;
}

/** The length of the entry at `offset`, or -1 when the packet is too short. */
export function checkMpls(_view: DataView, offset: number, end: number): number {
  return end - offset < MPLS_ENTRY_LENGTH ? -1 : MPLS_ENTRY_LENGTH;
}

/** The entry as one signed 32-bit word, the form that flow keys have. */
export function mplsWord(view: DataView, offset: number): number {
  return view.getInt32(offset);
}

export function setMplsWord(view: DataView, offset: number, word: number): void {
  view.setInt32(offset, word);
}

export function mplsLabel(view: DataView, offset: number): number {
  return view.getUint32(offset) >>> MPLS_LABEL_SHIFT;
}

export function mplsTtl(view: DataView, offset: number): number {
  return view.getUint8(offset + 3);
}

export function setMplsTtl(view: DataView, offset: number, ttl: number): void {
  view.setUint8(offset + 3, ttl);
}

/** The length of the whole stack at `offset`, or -1 when the packet ends before the bottom. */
export function mplsStackLength(view: DataView, offset: number, end: number): number {
  let at = offset;
  while (checkMpls(view, at, end) > 0) {
    const isBottom = (mplsWord(view, at) & MPLS_BOTTOM_OF_STACK) !== 0;
    at += MPLS_ENTRY_LENGTH;
    if (isBottom) {
      return at - offset;
    }
  }
  return -1;
}

/** The Ethertype that the first nibble below the stack suggests, 0 when it suggests none. */
export function mplsPayloadType(view: DataView, offset: number, end: number): number {
  if (offset >= end) {
    return 0;
  }
  const nibble = view.getUint8(offset) >>> 4;
  if (nibble === 4) {
    return ETHERTYPE_IPV4;
  }
  return nibble === 6 ? ETHERTYPE_IPV6 : 0;
}

/** The entry at `offset`, or `null` when the packet is too short. */
export function parseMpls(view: DataView, offset: number, end: number): MplsEntry | null {
  return checkMpls(view, offset, end) < 0 ? null : mplsEntryFromWord(mplsWord(view, offset));
}

export function mplsEntryFromWord(word: number): MplsEntry {
  return {
    label: word >>> MPLS_LABEL_SHIFT,
    trafficClass: (word & MPLS_TRAFFIC_CLASS_MASK) >>> MPLS_TRAFFIC_CLASS_SHIFT,
    bottomOfStack: (word & MPLS_BOTTOM_OF_STACK) !== 0,
    ttl: word & MPLS_TTL_MASK,
  };
}

export function mplsEntryToWord(entry: MplsEntry): number {
  const bottom = entry.bottomOfStack ? MPLS_BOTTOM_OF_STACK : 0;
  return (entry.label << MPLS_LABEL_SHIFT) | (entry.trafficClass << MPLS_TRAFFIC_CLASS_SHIFT) | bottom | entry.ttl;
}

/** Bytes that `emitMpls` writes. */
export function mplsLength(_entry: MplsEntry): number {
  return MPLS_ENTRY_LENGTH;
}

/** Writes the entry and returns its length. */
export function emitMpls(entry: MplsEntry, view: DataView, offset: number): number {
  setMplsWord(view, offset, mplsEntryToWord(entry));
  return MPLS_ENTRY_LENGTH;
}

/** As tcpdump: `(label 100, tc 0, [S], ttl 64)`. */
export function formatMpls(entry: MplsEntry): string {
  const bottom = entry.bottomOfStack ? ', [S]' : '';
  return `(label ${entry.label}, tc ${entry.trafficClass}${bottom}, ttl ${entry.ttl})`;
}
