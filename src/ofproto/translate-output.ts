/**
 * Translation of everything that sends a packet somewhere: ports, patch ports into other bridges, floods, queues,
 * the controller.
 */
import { W_ACTSET_OUTPUT, W_IN_PORT, W_REG0, W_SKB_PRIORITY, W_TUN_ID } from '../flow/index.ts';
import {
  type ControllerReason,
  OFPP_ALL,
  OFPP_CONTROLLER,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_NONE,
  OFPP_NORMAL,
  OFPP_TABLE,
  OFPP_UNSET,
} from '../openflow/index.ts';
import { runActionSet } from './action-set.ts';
import type { Bridge } from './bridge.ts';
import type { BridgePort } from './port.ts';
import type { Rule } from './rule.ts';
import { translateNormal } from './translate-normal.ts';
import { lookUpTable } from './translate-table.ts';
import { type TranslationContext, WHOLE_PACKET } from './translation-context.ts';

/**
 * `output`, with any port number that OpenFlow knows. `maxLength` counts for the controller, and for `truncate`. `isLast`:
 * no action follows that could see a difference.
 */
export function translateOutput(
  context: TranslationContext,
  port: number,
  maxLength: number,
  truncate: boolean,
  mayPacketIn: boolean,
  isLast: boolean,
): void {
  switch (port) {
    case OFPP_IN_PORT:
      outputToPort(context, context.flow[W_IN_PORT]!, truncate ? maxLength : WHOLE_PACKET, isLast);
      break;
    case OFPP_TABLE:
      lookUpTable(context, context.flow[W_IN_PORT]!, 0, mayPacketIn, true, isLast);
      break;
    case OFPP_NORMAL:
      translateNormal(context, outputToPort, isLast);
      break;
    case OFPP_FLOOD:
      flood(context, false, truncate ? maxLength : WHOLE_PACKET, isLast);
      break;
    case OFPP_ALL:
      flood(context, true, truncate ? maxLength : WHOLE_PACKET, isLast);
      break;
    case OFPP_CONTROLLER:
      sendToController(context, maxLength, controllerReason(context), 0, new Uint8Array(0));
      break;
    case OFPP_NONE:
      break;
    default:
      if (port === context.flow[W_IN_PORT]) {
        context.report('warning', 'skipping output to input port');
      } else {
        outputToPort(context, port, truncate ? maxLength : WHOLE_PACKET, isLast);
      }
  }
}

/** Why a packet goes to the controller, as seen from where the action stands. */
function controllerReason(context: TranslationContext): ControllerReason {
  if (context.isPacketOut) {
    return 'packet_out';
  }
  if (context.isInBucket) {
    return 'group';
  }
  if (context.isInActionSet) {
    return 'action_set';
  }
  return context.rule !== null && isTableMiss(context.rule) ? 'no_match' : 'action';
}

/** The rule of priority 0 that matches everything (OpenFlow 1.3 section 5.4). */
function isTableMiss(rule: Rule): boolean {
  return rule.priority === 0 && rule.match.mask.words.length === 0;
}

/** Sends the packet out of one port, or through a patch port into its peer's bridge. */
function outputToPort(context: TranslationContext, number: number, maxLength: number, isLast: boolean): void {
  const port = context.bridge.ports.get(number);
  if (port === undefined) {
    context.report('warning', 'Nonexistent output port');
    return;
  }
  if (port.config.noForward) {
    context.report('warning', 'OFPPC_NO_FWD set, skipping output');
    return;
  }
  if (port.config.down) {
    // Open vSwitch sends to the port's device all the same, which it has taken down.
    context.report('warning', 'OFPPC_PORT_DOWN set, skipping output');
    return;
  }
  if (port.peer !== null) {
    if (maxLength === WHOLE_PACKET) {
      enterPeer(context, port, port.peer.bridge, port.peer.port, isLast);
    } else {
      context.report('error', `output_trunc does not support patch port ${number}`);
    }
    return;
  }
  if (port.datapathPort < 0) {
    context.report('warning', 'Nonexistent output port');
    return;
  }
  context.commit();
  if (maxLength !== WHOLE_PACKET) {
    context.writer.trunc(maxLength);
  }
  context.writer.output(port.datapathPort);
}

/** Goes on in the bridge at the other end of a patch port; comes back with the flow as it was. */
function enterPeer(
  context: TranslationContext,
  port: BridgePort,
  peer: Bridge,
  peerPort: number,
  isLast: boolean,
): void {
  const into = peer.ports.get(peerPort);
  if (into === undefined) {
    context.report('warning', 'Nonexistent output port');
    return;
  }
  const { bridge, table, rule, isExiting } = context;
  context.effects.push({ kind: 'patch', port, peer: into });
  context.runIsolated(isLast, () => {
    context.trace?.enter('bridge', peer.name);
    context.bridge = peer;
    context.rule = null;
    context.isInActionSet = false;
    context.isInBucket = false;
    context.stack = [];
    context.flow[W_IN_PORT] = peerPort;
    context.flow.fill(0, W_TUN_ID, W_REG0 + 16);
    context.flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
    if (mayReceive(context, into)) {
      context.rule = lookUpTable(context, peerPort, 0, true, true, isLast);
      runActionSet(context);
    }
    context.finishFreezing();
    context.trace?.leave();
    context.bridge = bridge;
    context.table = table;
    context.rule = rule;
    context.isExiting = isExiting;
  });
}

/** Whether a port takes packets in. */
export function mayReceive(context: TranslationContext, port: BridgePort): boolean {
  if (port.config.noReceive || port.config.down) {
    context.report('warning', port.config.down ? 'port is down, dropping' : 'OFPPC_NO_RECV set, dropping');
    return false;
  }
  return true;
}

function flood(context: TranslationContext, all: boolean, maxLength: number, isLast: boolean): void {
  const inPort = context.flow[W_IN_PORT]!;
  const ports = context.bridge.portsInOrder().filter((port) => port.number !== inPort && (all || !port.config.noFlood));
  for (const port of ports) {
    outputToPort(context, port.number, maxLength, isLast && port === ports.at(-1));
  }
}

/** `enqueue`: output with the packet's priority naming the queue. */
export function translateEnqueue(
  context: TranslationContext,
  portNumber: number,
  queue: number,
  isLast: boolean,
): void {
  const port = portNumber === OFPP_IN_PORT ? context.flow[W_IN_PORT]! : portNumber;
  if (portNumber !== OFPP_IN_PORT && port === context.flow[W_IN_PORT]) {
    return;
  }
  const priority = context.flow[W_SKB_PRIORITY]!;
  setQueue(context, queue);
  outputToPort(context, port, WHOLE_PACKET, isLast);
  context.flow[W_SKB_PRIORITY] = priority;
}

/** `set_queue`: the userspace datapath's priority of a queue is its number. */
export function setQueue(context: TranslationContext, queue: number): void {
  context.wildcards[W_SKB_PRIORITY] = -1;
  context.flow[W_SKB_PRIORITY] = queue;
}

/** Sends the packet, as it is now, to a controller. */
export function sendToController(
  context: TranslationContext,
  maxLength: number,
  reason: ControllerReason,
  controllerId: number,
  userdata: Uint8Array,
): void {
  context.commit();
  context.writeController(context.internState(false, userdata), maxLength, reason, controllerId, false);
}
