/**
 * Where the layers of a frame are: Ethernet, tags, labels, network header, transport header.
 *
 * This is the plain walk for the parts of this layer that take any frame (segmentation, text), not the flow key's
 * extraction, which does the same work once per packet in a form of its own.
 */
import {
  checkEthernet,
  ETHERNET_TYPE_OFFSET,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
} from './ethernet.ts';
import { IP_PROTOCOL_FRAGMENT } from './ip-protocol.ts';
import { checkIpv4, IPV4_FRAGMENT_OFFSET_MASK, ipv4FragmentWord, ipv4Protocol } from './ipv4.ts';
import { checkIpv6, IPV6_HEADER_LENGTH, ipv6NextHeader } from './ipv6.ts';
import { createIpv6Walk, type Ipv6Walk, walkIpv6Extensions } from './ipv6-extension.ts';
import { frameEthertype, SNAP_HEADER_LENGTH } from './llc.ts';
import { mplsPayloadType, mplsStackLength } from './mpls.ts';
import { checkVlan, VLAN_TAG_LENGTH } from './vlan.ts';

/** Offsets are into the view. Callers keep one and reuse it. */
export interface Layers {
  /** Ethertype behind tags, SNAP header and labels */
  ethertype: number;
  /** offset of what `ethertype` names, -1 when the frame is cut off before it */
  network: number;
  /** IP protocol behind extension headers, -1 when it is not IP or malformed */
  protocol: number;
  /** offset of the transport header, -1 when there is none: not IP, malformed, a later fragment */
  transport: number;
}

export function createLayers(): Layers {
  return { ethertype: 0, network: -1, protocol: -1, transport: -1 };
}

const walk: Ipv6Walk = createIpv6Walk();

/** Finds the layers of the Ethernet frame `[start, end)`. */
export function locateLayers(view: DataView, start: number, end: number, layers: Layers): void {
  layers.ethertype = 0;
  layers.network = -1;
  layers.protocol = -1;
  layers.transport = -1;
  if (checkEthernet(view, start, end) < 0) {
    return;
  }
  let typeOffset = start + ETHERNET_TYPE_OFFSET;
  while (checkVlan(view, typeOffset, end) > 0) {
    typeOffset += VLAN_TAG_LENGTH;
  }
  layers.ethertype = frameEthertype(view, typeOffset, end);
  layers.network = typeOffset + 2;
  if (layers.ethertype !== view.getUint16(typeOffset)) {
    layers.network = Math.min(layers.network + SNAP_HEADER_LENGTH, end);
  }
  if (layers.ethertype === ETHERTYPE_MPLS || layers.ethertype === ETHERTYPE_MPLS_MULTICAST) {
    const stackLength = mplsStackLength(view, layers.network, end);
    if (stackLength < 0) {
      layers.network = -1;
      return;
    }
    layers.network += stackLength;
    layers.ethertype = mplsPayloadType(view, layers.network, end);
  }
  locateTransport(view, end, layers);
}

function locateTransport(view: DataView, end: number, layers: Layers): void {
  const { network } = layers;
  if (layers.ethertype === ETHERTYPE_IPV4) {
    const headerLength = checkIpv4(view, network, end);
    if (headerLength > 0) {
      layers.protocol = ipv4Protocol(view, network);
      const isFirst = (ipv4FragmentWord(view, network) & IPV4_FRAGMENT_OFFSET_MASK) === 0;
      layers.transport = isFirst ? network + headerLength : -1;
    }
  } else if (layers.ethertype === ETHERTYPE_IPV6 && checkIpv6(view, network, end) > 0) {
    if (walkIpv6Extensions(view, network + IPV6_HEADER_LENGTH, end, ipv6NextHeader(view, network), walk)) {
      layers.protocol = walk.protocol;
      layers.transport = walk.protocol === IP_PROTOCOL_FRAGMENT ? -1 : walk.offset;
    }
  }
}
