/**
 * Flags as text: `+syn-ack` for "SYN set, ACK clear, the others do not matter", `syn|ack` for exactly these flags, or a
 * number with or without mask (ovs-fields(7), "TCP Flags Field" and "Connection Tracking State Field").
 */
import { MatchError } from './errors.ts';
import * as key from './key.ts';

export type FlagName = readonly [bit: number, name: string];

export const TCP_FLAGS: readonly FlagName[] = [
  [0x001, 'fin'],
  [0x002, 'syn'],
  [0x004, 'rst'],
  [0x008, 'psh'],
  [0x010, 'ack'],
  [0x020, 'urg'],
  [0x040, 'ece'],
  [0x080, 'cwr'],
  [0x100, 'ns'],
  [0x200, '[200]'],
  [0x400, '[400]'],
  [0x800, '[800]'],
];

export const CT_STATE_FLAGS: readonly FlagName[] = [
  [key.CT_STATE_NEW, 'new'],
  [key.CT_STATE_EST, 'est'],
  [key.CT_STATE_REL, 'rel'],
  [key.CT_STATE_RPL, 'rpl'],
  [key.CT_STATE_INV, 'inv'],
  [key.CT_STATE_TRK, 'trk'],
  [key.CT_STATE_SNAT, 'snat'],
  [key.CT_STATE_DNAT, 'dnat'],
];

/** OpenFlow can match on oam only; the others occur in megaflows. */
export const TUNNEL_FLAGS: readonly FlagName[] = [
  [key.TUN_FLAG_OAM, 'oam'],
  [key.TUN_FLAG_DF, 'df'],
  [key.TUN_FLAG_CSUM, 'csum'],
  [key.TUN_FLAG_KEY, 'key'],
];

const NUMBER_PATTERN = /^(0x[0-9a-f]+|[0-9]+)(?:\/(0x[0-9a-f]+|[0-9]+))?$/i;
const SIGNED_PATTERN = /^(?:[+-][^+\-|/]+)+$/;
const SIGNED_FLAG_PATTERN = /([+-])([^+\-|/]+)/g;

/**
 * Reads flags; `all` has the bits of all flags. `noun` and `field` are for the message. Throws `MatchError`
 * (`VALUE_INVALID`).
 */
export function parseFlags(
  flags: readonly FlagName[],
  text: string,
  all: number,
  noun: string,
  field: string,
): { value: number; mask: number } {
  const number = NUMBER_PATTERN.exec(text);
  if (number !== null) {
    const value = Number(number[1]);
    const mask = number[2] === undefined ? all : Number(number[2]);
    if (value > all || (number[2] !== undefined && mask > 0xffffffff)) {
      throw unknownFlag(text, text, flags, all, noun, field);
    }
    return { value: value & mask, mask: mask & all };
  }
  if (!SIGNED_PATTERN.test(text)) {
    let value = 0;
    for (const name of text.split('|')) {
      value |= flagBit(flags, name, text, all, noun, field);
    }
    return { value, mask: all };
  }
  let value = 0;
  let mask = 0;
  for (const [, sign, name] of text.matchAll(SIGNED_FLAG_PATTERN)) {
    const bit = flagBit(flags, name!, text, all, noun, field);
    if ((mask & bit) !== 0) {
      throw new MatchError(
        'VALUE_INVALID',
        `${text}: bad value for ${field} (each ${noun} flag can be specified only once)`,
      );
    }
    mask |= bit;
    value |= sign === '+' ? bit : 0;
  }
  return { value, mask };
}

/** `a|b` when the whole field is decided and the flags have names for all bits that are set, else `+a-b`. */
export function formatFlags(flags: readonly FlagName[], value: number, mask: number, isExact: boolean): string {
  if (isExact) {
    const names = flags.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
    return names.length === 0 ? '0' : names.join('|');
  }
  const signed = flags.filter(([bit]) => (mask & bit) !== 0);
  return signed.length === 0
    ? '0/0'
    : signed.map(([bit, name]) => `${(value & bit) !== 0 ? '+' : '-'}${name}`).join('');
}

function flagBit(
  flags: readonly FlagName[],
  name: string,
  text: string,
  all: number,
  noun: string,
  field: string,
): number {
  const flag = flags.find(([, flagName]) => flagName === name.toLowerCase());
  if (flag === undefined || (flag[0] & all) === 0) {
    throw unknownFlag(name, text, flags, all, noun, field);
  }
  return flag[0];
}

function unknownFlag(
  name: string,
  text: string,
  flags: readonly FlagName[],
  all: number,
  noun: string,
  field: string,
): MatchError {
  const known = flags.filter(([bit]) => (bit & all) !== 0).map(([, flagName]) => flagName);
  const reason = `${name}: unknown ${noun} flag(s), expected ${known.join(', ')}`;
  return new MatchError('VALUE_INVALID', `${text}: bad value for ${field} (${reason})`);
}
