/**
 * A few fields by name, enough to write the flows and matches of these tests in one line. Not ovs-ofctl's syntax: `key=value` or
 * `key=value/mask` with numbers and IPv4 addresses.
 */
import {
  createFlow,
  createMatch,
  type FlowWords,
  type Match,
  readBits,
  W_CONJ_ID,
  W_IN_PORT,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_REG0,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  writeBits,
} from '../../../src/flow/index.ts';

/** bit offset and width */
const FIELDS: Readonly<Record<string, readonly [number, number]>> = {
  in_port: [32 * W_IN_PORT, 32],
  reg0: [32 * W_REG0, 32],
  conj_id: [32 * W_CONJ_ID, 32],
  dl_type: [32 * W_TYPE_PROTO_FRAG, 16],
  nw_proto: [32 * W_TYPE_PROTO_FRAG + 16, 8],
  nw_ttl: [32 * W_TOS_TTL_FLAGS + 8, 8],
  tcp_flags: [32 * W_TOS_TTL_FLAGS + 16, 16],
  nw_src: [32 * W_NW_SRC, 32],
  nw_dst: [32 * W_NW_DST, 32],
  nd_target: [32 * (W_ND_TARGET + 3), 32],
  tp_src: [32 * W_TP, 16],
  tp_dst: [32 * W_TP + 16, 16],
};

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  ip: 'dl_type=0x800',
  tcp: 'dl_type=0x800,nw_proto=6',
  icmp6: 'dl_type=0x86dd,nw_proto=58',
};

export function match(text: string): Match {
  const result = createMatch();
  for (const part of parts(text)) {
    const [key, value] = part.split('=');
    const [offset, width] = FIELDS[key!]!;
    const [bits, mask] = value!.split('/');
    const ones = mask === undefined ? 2 ** width - 1 : maskNumber(mask, width);
    writeBits(result.masks, offset, width, ones);
    writeBits(result.values, offset, width, number(bits!) & ones);
  }
  return result;
}

export function flow(text: string): FlowWords {
  return match(text).values;
}

/** The fields that a mask has bits in, as `name=mask`; all ones are left out. Bits outside the known fields are shown as words. */
export function maskText(mask: FlowWords): string {
  const rest = createFlow();
  rest.set(mask);
  const texts: string[] = [];
  for (const [name, [offset, width]] of Object.entries(FIELDS)) {
    const bits = readBits(mask, offset, width);
    writeBits(rest, offset, width, 0);
    if (bits !== 0) {
      texts.push(bits === 2 ** width - 1 ? name : `${name}/${maskBits(bits, width)}`);
    }
  }
  rest.forEach((bits, word) => {
    if (bits !== 0) {
      texts.push(`word${word}=${bits >>> 0}`);
    }
  });
  return texts.join(',');
}

function parts(text: string): string[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => (ABBREVIATIONS[part] ?? part).split(','));
}

/** A number or an IPv4 address. */
function number(text: string): number {
  return text.includes('.') ? text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) : Number(text);
}

/** A mask in hexadecimal, or a prefix length. */
function maskNumber(text: string, width: number): number {
  return text.startsWith('0x') ? Number(text) : 2 ** width - 2 ** (width - Number(text));
}

/** A prefix of an address as its length, other masks in hexadecimal. */
function maskBits(bits: number, width: number): string {
  const ones = Math.clz32(~(bits << (32 - width)));
  return width === 32 && (bits | 0) === -1 << (32 - ones) ? String(ones) : `0x${bits.toString(16)}`;
}
