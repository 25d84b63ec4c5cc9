/** Ports in text, as `ovs-ofctl show` and `dump-ports` have them. */
import { formatEthernetAddress } from '../../wire/index.ts';
import { formatDuration } from '../duration-text.ts';
import { portText } from '../port-text.ts';
import type { OpenFlowTextOptions } from '../text-options.ts';
import { type PortDescription, type PortModMessage, type PortStatistics, UNKNOWN_COUNT } from './records.ts';

const CONFIG: readonly string[] = [
  'PORT_DOWN',
  'NO_STP',
  'NO_RECV',
  'NO_RECV_STP',
  'NO_FLOOD',
  'NO_FWD',
  'NO_PACKET_IN',
];
const STATE: readonly string[] = ['LINK_DOWN', 'BLOCKED', 'LIVE'];
const STP_STATES: readonly string[] = ['STP_LISTEN', 'STP_LEARN', 'STP_FORWARD', 'STP_BLOCK'];
const FEATURES: readonly string[] = [
  '10MB-HD',
  '10MB-FD',
  '100MB-HD',
  '100MB-FD',
  '1GB-HD',
  '1GB-FD',
  '10GB-FD',
  '40GB-FD',
  '100GB-FD',
  '1TB-FD',
  'OTHER',
  'COPPER',
  'FIBER',
  'AUTO_NEG',
  'AUTO_PAUSE',
  'AUTO_PAUSE_ASYM',
];

function bits(value: number, names: readonly string[]): string {
  const known = names.filter((_, bit) => (value & (1 << bit)) !== 0);
  return known.length === 0 ? '0' : known.join(' ');
}

/** A name up to the first character that is not printable. */
function printable(name: string): string {
  return /^[ -~]*/.exec(name)![0];
}

function mac(address: bigint): string {
  return formatEthernetAddress(address);
}

/** ` 1(eth0): addr:…` and the lines below it, each with its line end. */
export function formatPortDescription(port: PortDescription, options: OpenFlowTextOptions = {}): string {
  const state = [bits(port.state & 7, STATE), (port.state & 0x300) === 0 ? '' : STP_STATES[(port.state >> 8) & 3]!]
    .filter((text, index) => text !== '' && (text !== '0' || index > 0))
    .join(' ');
  const feature = (label: string, value: number): string =>
    value === 0 ? '' : `     ${label.padEnd(11)} ${bits(value, FEATURES)}\n`;
  return (
    ` ${portText(port.port, options)}(${printable(port.name)}): addr:${mac(port.hardwareAddress)}\n` +
    `     config:     ${bits(port.config, CONFIG)}\n     state:      ${state === '' ? '0' : state}\n` +
    feature('current:', port.current) +
    feature('advertised:', port.advertised) +
    feature('supported:', port.supported) +
    feature('peer:', port.peer) +
    `     speed: ${Math.floor(port.currentSpeed / 1000)} Mbps now, ${Math.floor(port.maxSpeed / 1000)} Mbps max\n`
  );
}

export function formatPortMod(message: PortModMessage, options: OpenFlowTextOptions = {}): string {
  const advertise = message.advertise === 0 ? 'UNCHANGED' : bits(message.advertise, FEATURES);
  return (
    `port: ${portText(message.port, options)}: addr:${mac(message.hardwareAddress)}\n` +
    `     config: ${bits(message.config, CONFIG)}\n     mask:   ${bits(message.mask, CONFIG)}\n     advertise: ${advertise}\n`
  );
}

/** The lines of one port, each with its line end. */
export function formatPortStats(
  { port, counts, durationMs }: PortStatistics,
  options: OpenFlowTextOptions = {},
): string {
  const value = (index: number): string => (counts[index] === UNKNOWN_COUNT ? '?' : String(counts[index]));
  const duration = durationMs === null ? '' : `           duration=${formatDuration(durationMs)}\n`;
  const name = portText(port, options);
  return (
    `  port ${name.padStart(2)}: rx pkts=${value(0)}, bytes=${value(2)}, drop=${value(4)}, errs=${value(6)}, frame=${value(8)}, over=${value(9)}, crc=${value(10)}\n` +
    `           tx pkts=${value(1)}, bytes=${value(3)}, drop=${value(5)}, errs=${value(7)}, coll=${value(11)}\n${duration}`
  );
}
