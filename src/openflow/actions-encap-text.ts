/**
 * Text of `encap` and `decap` (ovs-actions(7), "Encapsulation And Decapsulation Actions").
 *
 * A packet type is a namespace in the high half and a type in the low one. The properties of an NSH header are kept as
 * they go on the wire: md_type is one byte, a TLV is its class, its type, its length and its bytes.
 */
import { formatHex } from '../flow/index.ts';
import type { ActionContext, ActionParser } from './action-syntax.ts';
import type { DecapAction, EncapAction } from './actions.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import { formatHexBytes, parseNamedNumber } from './number-text.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const ENCAP_PARSERS: Readonly<Record<string, ActionParser>> = { encap: parseEncap, decap: parseDecap };

type EncapProperty = EncapAction['properties'][number];

const PACKET_TYPES: ReadonlyMap<string, number> = new Map([
  ['ethernet', 0],
  ['nsh', 0x1894f],
  ['mpls', 0x18847],
  ['mpls_mc', 0x18848],
]);
const PACKET_TYPE_NAMES: ReadonlyMap<number, string> = new Map([...PACKET_TYPES].map(([name, type]) => [type, name]));
const PACKET_TYPE_NSH = 0x1894f;

/** OFPPPC_NSH, the class of the properties of an NSH header */
const PROPERTY_CLASS_NSH = 4;
const NSH_MD_TYPE = 1;
const NSH_TLV = 2;
const TLV_PATTERN = /^(0x[0-9a-f]+),(\d+),0x([0-9a-f]+)$/i;

function parseEncap(item: KeyValue, { options }: ActionContext): EncapAction {
  let header: KeyValue | null = null;
  eachKeyValue(item.value, (part) => {
    if (header === null) {
      header = part;
    } else if (options.ovsCompat !== true) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `encap: expected one header, got "${part.key}" too`);
    }
  });
  if (header === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `Missing encap hdr: ${item.value}`);
  }
  const { key, value, valueOffset } = header as KeyValue;
  const packetType = PACKET_TYPES.get(key);
  if (packetType === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `Encap hdr not supported: ${key}`);
  }
  const properties: EncapProperty[] = [];
  // Blanks keep the places of errors: the properties stand valueOffset characters into the argument.
  eachKeyValue(' '.repeat(valueOffset) + value, (part) => {
    properties.push(parseProperty(part, packetType, options));
  });
  return { type: 'encap', packetType, properties };
}

function parseProperty({ key, value }: KeyValue, packetType: number, options: OpenFlowTextOptions): EncapProperty {
  if (packetType === PACKET_TYPE_NSH && key === 'md_type') {
    if (value === '') {
      throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'Value missing for encap property');
    }
    const mdType = parseNamedNumber(value, 'md_type', 0xff, options);
    if (mdType !== 1 && mdType !== 2) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `invalid md_type "${value}": expected 1 or 2`);
    }
    return { propertyClass: PROPERTY_CLASS_NSH, type: NSH_MD_TYPE, value: Uint8Array.of(mdType) };
  }
  if (packetType === PACKET_TYPE_NSH && key === 'tlv') {
    return { propertyClass: PROPERTY_CLASS_NSH, type: NSH_TLV, value: parseTlv(value, options) };
  }
  throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `Invalid property: ${key}`);
}

function parseTlv(text: string, options: OpenFlowTextOptions): Uint8Array {
  const parts = TLV_PATTERN.exec(text.replaceAll(' ', ''));
  const tlvClass = Number(parts?.[1]);
  const type = Number(parts?.[2]);
  const digits = parts?.[3] ?? '';
  const isExact = tlvClass <= 0xffff && type <= 0xff && digits.length % 2 === 0;
  if (parts === null || digits.length < 2 || digits.length > 2 * 0x7c || (!isExact && options.ovsCompat !== true)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `Invalid NSH TLV header: ${text}`);
  }
  const length = digits.length >> 1;
  const bytes = Uint8Array.of(tlvClass >> 8, tlvClass, type, length, ...new Array<number>(length).fill(0));
  for (let index = 0; index < length; index++) {
    bytes[4 + index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

export function formatEncap({ packetType, properties }: EncapAction): string {
  const name = PACKET_TYPE_NAMES.get(packetType) ?? formatHex(packetType);
  const texts = properties.map(formatProperty);
  return texts.length === 0 ? `encap(${name})` : `encap(${name}(${texts.join(',')}))`;
}

function formatProperty({ type, value }: EncapProperty): string {
  if (type === NSH_MD_TYPE) {
    return `md_type=${value[0]}`;
  }
  const tlvClass = `0x${formatHexBytes(value.subarray(0, 2), '')}`;
  return `tlv(${tlvClass},${value[2]},0x${formatHexBytes(value.subarray(4), '')})`;
}

function parseDecap(item: KeyValue, { options }: ActionContext): DecapAction {
  if (item.value === '') {
    return { type: 'decap', packetType: null };
  }
  const match = /^packet_type\((.*)\)$/.exec(item.value.trim());
  if (match === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `Invalid decap argument: ${item.value}`);
  }
  const values = new Map<string, string>();
  eachKeyValue(' '.repeat('packet_type('.length) + match[1], ({ key, value }) => {
    if (key !== 'ns' && key !== 'type') {
      throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `Invalid decap argument: ${key}`);
    }
    values.set(key, value);
  });
  const parts = ['ns', 'type'].map((key) => {
    const text = values.get(key);
    if (text === undefined) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `Missing packet_type attribute ${key}`);
    }
    return parseNamedNumber(text, key, 0xffff, options);
  });
  return { type: 'decap', packetType: parts[0]! * 0x10000 + parts[1]! };
}

export function formatDecap({ packetType }: DecapAction): string {
  return packetType === null
    ? 'decap()'
    : `decap(packet_type(ns=${packetType >>> 16},type=${formatHex(packetType & 0xffff)}))`;
}
