/**
 * The NORMAL action: an Ethernet switch with VLANs and MAC learning (ovs-actions(7), "The normal OpenFlow port").
 *
 * What a port does with tags is in its `vlans`: a frame comes in with up to two tags, is given the VLAN that the switch
 * files it under, and gets tags again as the port wants that it leaves by. Learning is an effect; the forwarding
 * decision only reads the MAC table, so what it read is un-wildcarded: both addresses and the VLAN.
 */
import {
  type FlowWords,
  VLAN_CFI,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../flow/index.ts';
import { OFPP_CONTROLLER, OFPP_NONE } from '../openflow/index.ts';
import { ETHERTYPE_ARP, ETHERTYPE_VLAN } from '../wire/index.ts';
import { ethertypeOf, networkProtocolOf } from './flow-edit.ts';
import { type BridgePort, DEFAULT_PORT_CONFIG, TRUNK_ALL } from './port.ts';
import { type TranslationContext, WHOLE_PACKET } from './translation-context.ts';

const VLAN_VID_MASK = 0x0fff;
const VLAN_PCP_MASK = 0xe000;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;

/** The VLANs of a frame, outermost first, as NORMAL sees them apart from how the frame is tagged. */
interface FrameVlans {
  /** the VLAN that the switch files the frame under */
  readonly outerVid: number;
  readonly outerPcp: number;
  /** a tag inside that is carried along, as in the flow key; 0 = none */
  readonly inner: number;
}

type OutputToPort = (context: TranslationContext, port: number, maxLength: number, isLast: boolean) => void;

/** Where packets come from that a controller makes up: a trunk of all VLANs at which nothing is learned. */
const NO_PORT: BridgePort = {
  number: OFPP_NONE,
  name: 'none',
  datapathPort: -1,
  peer: null,
  config: DEFAULT_PORT_CONFIG,
  linkUp: true,
  vlans: TRUNK_ALL,
  isProtected: false,
  patchStats: { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0 },
};

/** Addresses that bridges do not forward: ovs-vswitchd.conf.db(5), "forward-bpdu". */
const RESERVED_ADDRESSES: ReadonlySet<number> = new Set([
  0x00e02b000000, 0x00e02b000004, 0x00e02b000006, 0x01000c000000, 0x01000ccccccc, 0x01000ccccccd, 0x01000ccdcdcd,
]);

/** `output` sends a packet out of a port; translate-output.ts, which has it, imports this file. */
export function translateNormal(context: TranslationContext, output: OutputToPort, isLast: boolean): void {
  const { flow, wildcards, bridge } = context;
  wildcards[W_ETH_DST] = -1;
  wildcards[W_ETH_DST_SRC] = -1;
  wildcards[W_ETH_SRC] = -1;
  wildcards[W_VLAN0]! |= (flow[W_VLAN0]! & VLAN_CFI) === 0 ? 0 : VLAN_VID_MASK | VLAN_CFI;

  const inPort = inputPort(context);
  if (inPort === undefined) {
    context.report('warning', 'no input bundle, dropping');
    return;
  }
  if (isReserved(flow) && !bridge.forwardBpdu) {
    context.report('detail', 'packet has reserved destination MAC, dropping');
    return;
  }
  if (ethertypeOf(flow) === ETHERTYPE_VLAN && (flow[W_VLAN0]! & VLAN_CFI) === 0) {
    context.report('warning', `dropping packet with partial VLAN tag received on port ${inPort.name}`);
    return;
  }
  const vlans = admit(context, inPort, flow);
  if (vlans === null) {
    context.report('warning', 'disallowed VLAN VID for this input port, dropping');
    return;
  }
  learn(context, inPort, vlans.outerVid);
  forward(context, output, inPort, vlans, isLast);
}

function inputPort({ bridge, flow }: TranslationContext): BridgePort | undefined {
  const number = flow[W_IN_PORT]!;
  return number === OFPP_NONE || number === OFPP_CONTROLLER ? NO_PORT : bridge.ports.get(number);
}

/** Whether the destination is one that bridges keep for themselves, link-local multicast (01:80:c2:00:00:0x) among them. */
function isReserved(flow: FlowWords): boolean {
  const high = flow[W_ETH_DST]! >>> 0;
  const low = flow[W_ETH_DST_SRC]! >>> 16;
  return (high === 0x0180c200 && low < 16) || RESERVED_ADDRESSES.has(high * 0x10000 + low);
}

/** The VLANs of a frame that comes in, or null, with a remark, when the port does not take it. */
function admit(context: TranslationContext, port: BridgePort, flow: FlowWords): FrameVlans | null {
  const tag = flow[W_VLAN0]!;
  const isTagged = (tag & VLAN_CFI) !== 0;
  const vid = isTagged ? tag & VLAN_VID_MASK : 0;
  const pcp = tag & VLAN_PCP_MASK;
  const inner = flow[W_VLAN0 + 1]!;
  const { vlans } = port;
  switch (vlans.mode) {
    case 'access':
      if (vid !== 0) {
        context.report(
          'error',
          `dropping VLAN ${vid} tagged packet received on port ${port.name} configured as VLAN ${vlans.tag} access port`,
        );
        return null;
      }
      return { outerVid: vlans.tag, outerPcp: pcp, inner: 0 };
    case 'trunk':
    case 'native-tagged':
    case 'native-untagged': {
      const filed = vid === 0 && vlans.mode !== 'trunk' ? vlans.tag : vid;
      if (!carriesVlan(port, filed)) {
        context.report(
          'error',
          `dropping VLAN ${filed} packet received on port ${port.name} not configured for trunking VLAN ${filed}`,
        );
        return null;
      }
      return { outerVid: filed, outerPcp: pcp, inner };
    }
    case 'dot1q-tunnel':
      if (isTagged && tag >>> 16 !== vlans.qinqEthertype && !carriesCustomerVlan(port, vid)) {
        context.report(
          'error',
          `dropping VLAN ${vid} packet received on dot1q-tunnel port ${port.name} that excludes this VLAN`,
        );
        return null;
      }
      return { outerVid: vlans.tag, outerPcp: 0, inner: isTagged ? tag : 0 };
  }
}

function carriesVlan(port: BridgePort, vid: number): boolean {
  const { mode, tag, trunks } = port.vlans;
  if (mode === 'access' || mode === 'dot1q-tunnel') {
    return vid === tag;
  }
  return (mode !== 'trunk' && vid === tag) || trunks === null || trunks.has(vid);
}

function carriesCustomerVlan(port: BridgePort, vid: number): boolean {
  return port.vlans.customerVlans === null || port.vlans.customerVlans.has(vid);
}

function learn(context: TranslationContext, port: BridgePort, vlan: number): void {
  const { flow, bridge } = context;
  const macHigh = flow[W_ETH_DST_SRC]! & 0xffff;
  if ((macHigh & 0x0100) !== 0 || port === NO_PORT) {
    return;
  }
  context.effects.push({
    kind: 'mac',
    bridge,
    port: port.number,
    vlan,
    macHigh,
    macLow: flow[W_ETH_SRC]!,
    isGratuitousArp: isGratuitousArp(context),
  });
}

/** A broadcast ARP reply, or a request for the sender's own address (RFC 5227, section 3). */
function isGratuitousArp(context: TranslationContext): boolean {
  const { flow, wildcards } = context;
  if (ethertypeOf(flow) !== ETHERTYPE_ARP || flow[W_ETH_DST] !== -1 || flow[W_ETH_DST_SRC]! >>> 16 !== 0xffff) {
    return false;
  }
  wildcards[W_TYPE_PROTO_FRAG]! |= 0xff00;
  const operation = networkProtocolOf(flow);
  if (operation === ARP_REPLY) {
    return true;
  }
  if (operation !== ARP_REQUEST) {
    return false;
  }
  wildcards[W_NW_SRC] = -1;
  wildcards[W_NW_DST] = -1;
  return flow[W_NW_SRC] === flow[W_NW_DST];
}

function forward(
  context: TranslationContext,
  output: OutputToPort,
  inPort: BridgePort,
  vlans: FrameVlans,
  isLast: boolean,
): void {
  const { flow, bridge } = context;
  const macHigh = flow[W_ETH_DST]! >>> 16;
  const macLow = (flow[W_ETH_DST]! << 16) | (flow[W_ETH_DST_SRC]! >>> 16);
  const destination = bridge.macLearning.lookup(vlans.outerVid, macHigh, macLow);
  if (destination >= 0) {
    const outPort = bridge.ports.get(destination);
    if (outPort === inPort) {
      context.report('detail', 'learned port is input port, dropping');
    } else if (outPort !== undefined && !(inPort.isProtected && outPort.isProtected)) {
      context.report('detail', 'forwarding to learned port');
      outputTagged(context, output, outPort, vlans, isLast);
    } else {
      context.report(
        'detail',
        outPort === undefined ? 'learned port is unknown, dropping' : 'learned port is protected, dropping',
      );
    }
    return;
  }
  context.report('detail', 'no learned MAC for destination, flooding');
  const ports = bridge
    .portsInOrder()
    .filter(
      (port) =>
        port !== inPort &&
        !port.config.noFlood &&
        carriesVlan(port, vlans.outerVid) &&
        (port.vlans.mode !== 'dot1q-tunnel' || carriesCustomerVlan(port, vlans.inner & VLAN_VID_MASK)) &&
        !(inPort.isProtected && port.isProtected),
    );
  for (const port of ports) {
    outputTagged(context, output, port, vlans, isLast && port === ports.at(-1));
  }
}

/** Sends the frame out of a port, tagged as the port wants it, and leaves the flow as it was. */
function outputTagged(
  context: TranslationContext,
  output: OutputToPort,
  port: BridgePort,
  frame: FrameVlans,
  isLast: boolean,
): void {
  const { flow } = context;
  const outer = flow[W_VLAN0]!;
  const inner = flow[W_VLAN0 + 1]!;
  const ethertype = (outer & VLAN_CFI) !== 0 && frame.inner === inner ? outer >>> 16 : ETHERTYPE_VLAN;
  const { vlans } = port;
  let tags: readonly number[];
  switch (vlans.mode) {
    case 'access':
      tags = [...priorityTag(port, frame)];
      break;
    case 'dot1q-tunnel':
      tags = frame.inner === 0 ? [] : [frame.inner];
      break;
    default:
      tags =
        frame.outerVid === 0 || (vlans.mode === 'native-untagged' && frame.outerVid === vlans.tag)
          ? [...priorityTag(port, frame), ...innerTags(frame)]
          : [
              (tunnelEthertype(context, ethertype) << 16) | VLAN_CFI | frame.outerPcp | frame.outerVid,
              ...innerTags(frame),
            ];
  }
  flow[W_VLAN0] = tags[0] ?? 0;
  flow[W_VLAN0 + 1] = tags[1] ?? 0;
  if ((outer & VLAN_CFI) !== 0 && flow[W_VLAN0] !== outer && flow[W_VLAN0 + 1] !== outer) {
    // A tag that is taken off is put back for the next port, priority and all.
    context.wildcards[W_VLAN0] = -1;
  }
  output(context, port.number, WHOLE_PACKET, isLast);
  flow[W_VLAN0] = outer;
  flow[W_VLAN0 + 1] = inner;
}

function innerTags(frame: FrameVlans): number[] {
  return (frame.inner & VLAN_CFI) !== 0 ? [frame.inner] : [];
}

/** The service tag of a frame from a dot1q-tunnel has that port's Ethertype; others keep theirs. */
function tunnelEthertype(context: TranslationContext, ethertype: number): number {
  const inPort = context.bridge.ports.get(context.flow[W_IN_PORT]!);
  return inPort?.vlans.mode === 'dot1q-tunnel' ? inPort.vlans.qinqEthertype : ethertype;
}

function priorityTag(port: BridgePort, frame: FrameVlans): number[] {
  const wanted =
    port.vlans.priorityTags === 'always' || (port.vlans.priorityTags === 'if-nonzero' && frame.outerPcp !== 0);
  return wanted ? [(ETHERTYPE_VLAN << 16) | VLAN_CFI | frame.outerPcp] : [];
}
