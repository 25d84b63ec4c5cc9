/**
 * Turns the "Flow:" line of Open vSwitch's ofproto/trace into the packet words of a key. It is written for that line
 * only, apart from the parser of `src/`, so that a test of extraction does not lean on what it has in common with it.
 */
import { createFlow, ETH_TYPE_NONE, type FlowWords, writeBigBits } from '../../src/flow/index.ts';

/** eth_type and nw_proto (0: the line says nw_proto itself) */
const PROTOCOLS: Readonly<Record<string, readonly [number, number]>> = {
  ip: [0x0800, 0],
  icmp: [0x0800, 1],
  tcp: [0x0800, 6],
  udp: [0x0800, 17],
  sctp: [0x0800, 132],
  ipv6: [0x86dd, 0],
  tcp6: [0x86dd, 6],
  udp6: [0x86dd, 17],
  icmp6: [0x86dd, 58],
  sctp6: [0x86dd, 132],
  arp: [0x0806, 0],
  rarp: [0x8035, 0],
  mpls: [0x8847, 0],
  mplsm: [0x8848, 0],
};

/** position and width of a field, as the comments of key.ts say them */
const PLACES: Readonly<Record<string, readonly [number, number]>> = {
  dl_dst: [2 * 32, 48],
  dl_src: [3 * 32 + 16, 48],
  dl_type: [5 * 32, 16],
  nw_proto: [5 * 32 + 16, 8],
  arp_op: [5 * 32 + 16, 8],
  dl_vlan: [6 * 32 + 20, 12],
  dl_vlan_pcp: [6 * 32 + 16, 3],
  dl_vlan1: [7 * 32 + 20, 12],
  dl_vlan_pcp1: [7 * 32 + 16, 3],
  nw_tos: [8 * 32, 8],
  nw_ecn: [8 * 32 + 6, 2],
  nw_ttl: [8 * 32 + 8, 8],
  tcp_flags: [8 * 32 + 20, 12],
  nw_src: [9 * 32, 32],
  arp_spa: [9 * 32, 32],
  nw_dst: [10 * 32, 32],
  arp_tpa: [10 * 32, 32],
  tp_src: [11 * 32, 16],
  icmp_type: [11 * 32, 16],
  tp_dst: [11 * 32 + 16, 16],
  icmp_code: [11 * 32 + 16, 16],
  ipv6_src: [12 * 32, 128],
  ipv6_dst: [16 * 32, 128],
  ipv6_label: [20 * 32, 32],
  nd_target: [21 * 32, 128],
  nd_sll: [25 * 32, 48],
  arp_sha: [25 * 32, 48],
  nd_tll: [26 * 32 + 16, 48],
  arp_tha: [26 * 32 + 16, 48],
  mpls_label: [29 * 32, 20],
  mpls_tc: [29 * 32 + 20, 3],
  mpls_bos: [29 * 32 + 23, 1],
  mpls_ttl: [29 * 32 + 24, 8],
  mpls_lse1: [30 * 32, 32],
  mpls_lse2: [31 * 32, 32],
  nsh_flags: [32 * 32, 8],
  nsh_ttl: [32 * 32 + 8, 8],
  nsh_mdtype: [32 * 32 + 16, 8],
  nsh_np: [32 * 32 + 24, 8],
  nsh_spi: [33 * 32, 24],
  nsh_si: [33 * 32 + 24, 8],
  nsh_c1: [34 * 32, 32],
  nsh_c2: [35 * 32, 32],
  nsh_c3: [36 * 32, 32],
  nsh_c4: [37 * 32, 32],
};

const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns'];
const FRAGMENTS: Readonly<Record<string, number>> = { no: 0, first: 1, later: 3 };

/** The key of `line`. The line does not name TPIDs: they are read from `frame` (their presence is the line's word). */
export function parseTracedFlow(line: string, frame: Uint8Array): FlowWords {
  const key = createFlow();
  for (const item of line.split(',')) {
    const [name = '', text = ''] = item.split(/=(.*)/s);
    const protocol = PROTOCOLS[name];
    if (protocol !== undefined) {
      writeBigBits(key, 5 * 32, 16, BigInt(protocol[0]));
      writeBigBits(key, 5 * 32 + 16, 8, BigInt(protocol[1]));
    } else if (name === 'nw_frag') {
      writeBigBits(key, 5 * 32 + 24, 8, BigInt(FRAGMENTS[text] ?? -1));
    } else if (name === 'in_port' || name.startsWith('vlan_tci')) {
      // metadata, or "no tag"
    } else {
      const place = PLACES[name];
      if (place === undefined) {
        throw new Error(`unknown field in "${item}"`);
      }
      writeBigBits(key, place[0], place[1], parseValue(name, text));
    }
    if (name === 'dl_vlan' || name === 'dl_vlan1') {
      const offset = name === 'dl_vlan' ? 12 : 16;
      const tpid = (frame[offset]! << 8) | frame[offset + 1]!;
      const word = name === 'dl_vlan' ? 6 : 7;
      writeBigBits(key, word * 32, 16, BigInt(tpid));
      writeBigBits(key, word * 32 + 19, 1, 1n);
    }
  }
  if (key[5] === 0) {
    writeBigBits(key, 5 * 32, 16, BigInt(ETH_TYPE_NONE));
  }
  return key;
}

function parseValue(name: string, text: string): bigint {
  if (name === 'tcp_flags') {
    return parseTcpFlags(text);
  }
  if (name.startsWith('ipv6_s') || name.startsWith('ipv6_d') || name === 'nd_target') {
    return parseIpv6(text);
  }
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
  }
  if (text.includes(':')) {
    return BigInt(`0x${text.replaceAll(':', '')}`);
  }
  return BigInt(text);
}

function parseTcpFlags(text: string): bigint {
  if (text === '0') {
    return 0n;
  }
  let value = 0n;
  for (const part of text.split('|')) {
    const bit = TCP_FLAGS.indexOf(part);
    value |= bit >= 0 ? 1n << BigInt(bit) : BigInt(`0x${part.slice(1, -1)}`);
  }
  return value;
}

function parseIpv6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  const middle: bigint[] = new Array(8 - before.length - after.length).fill(0n);
  return [...before, ...middle, ...after].reduce((value, group) => (value << 16n) | group, 0n);
}

/** 16-bit groups; a dotted IPv4 tail counts as two */
function groups(text: string): bigint[] {
  return text
    .split(':')
    .filter((part) => part !== '')
    .flatMap((part) => {
      if (!part.includes('.')) {
        return [BigInt(`0x${part}`)];
      }
      const value = part.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      return [value >> 16n, value & 0xffffn];
    });
}
