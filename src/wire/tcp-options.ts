/**
 * TCP options (RFC 9293 section 3.2, RFC 7323, RFC 2018) as a list in the order of the header.
 *
 * An option that is malformed ends the list, as a receiver would: the switch matches on no option, so a bad one must
 * not make the header unreadable.
 */
import { readBytes, writeBytes } from './bytes.ts';

export const TCP_OPTION_END = 0;
export const TCP_OPTION_NOP = 1;
export const TCP_OPTION_MSS = 2;
export const TCP_OPTION_WINDOW_SCALE = 3;
export const TCP_OPTION_SACK_PERMITTED = 4;
export const TCP_OPTION_SACK = 5;
export const TCP_OPTION_TIMESTAMP = 8;

export type TcpOption =
  | { readonly kind: 'nop' }
  | { readonly kind: 'mss'; readonly size: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  | { readonly kind: 'timestamp'; readonly value: number; readonly echo: number }
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array };

/** The options in `[offset, end)`, up to "end of list" or the first malformed one. */
export function parseTcpOptions(view: DataView, offset: number, end: number): TcpOption[] {
  const options: TcpOption[] = [];
  let at = offset;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === TCP_OPTION_END) {
      break;
    }
    if (type === TCP_OPTION_NOP) {
      options.push({ kind: 'nop' });
      at += 1;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < 2 || length > end - at) {
      break;
    }
    options.push(parseOption(view, at, type, length));
    at += length;
  }
  return options;
}

function parseOption(view: DataView, at: number, type: number, length: number): TcpOption {
  if (type === TCP_OPTION_MSS && length === 4) {
    return { kind: 'mss', size: view.getUint16(at + 2) };
  }
  if (type === TCP_OPTION_WINDOW_SCALE && length === 3) {
    return { kind: 'window-scale', shift: view.getUint8(at + 2) };
  }
  if (type === TCP_OPTION_SACK_PERMITTED && length === 2) {
    return { kind: 'sack-permitted' };
  }
  if (type === TCP_OPTION_SACK && length > 2 && (length - 2) % 8 === 0) {
    const blocks: { left: number; right: number }[] = [];
    for (let block = at + 2; block < at + length; block += 8) {
      blocks.push({ left: view.getUint32(block), right: view.getUint32(block + 4) });
    }
    return { kind: 'sack', blocks };
  }
  if (type === TCP_OPTION_TIMESTAMP && length === 10) {
    return { kind: 'timestamp', value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
  }
  return { kind: 'unknown', type, data: readBytes(view, at + 2, length - 2) };
}

/** Bytes that `emitTcpOptions` writes: a multiple of four. At most 40 fit in a header. */
export function tcpOptionsLength(options: readonly TcpOption[]): number {
  let length = 0;
  for (const option of options) {
    length += optionLength(option);
  }
  return (length + 3) & ~3;
}

function optionLength(option: TcpOption): number {
  switch (option.kind) {
    case 'nop':
      return 1;
    case 'mss':
      return 4;
    case 'window-scale':
      return 3;
    case 'sack-permitted':
      return 2;
    case 'sack':
      return 2 + 8 * option.blocks.length;
    case 'timestamp':
      return 10;
    case 'unknown':
      return 2 + option.data.length;
  }
}

/** Writes the options, padded to four bytes with "end of list", and returns their length. */
export function emitTcpOptions(options: readonly TcpOption[], view: DataView, offset: number): number {
  let at = offset;
  for (const option of options) {
    emitOption(option, view, at);
    at += optionLength(option);
  }
  const length = tcpOptionsLength(options);
  for (; at < offset + length; at++) {
    view.setUint8(at, TCP_OPTION_END);
  }
  return length;
}

function emitOption(option: TcpOption, view: DataView, at: number): void {
  if (option.kind === 'nop') {
    view.setUint8(at, TCP_OPTION_NOP);
    return;
  }
  view.setUint8(at + 1, optionLength(option));
  switch (option.kind) {
    case 'mss':
      view.setUint8(at, TCP_OPTION_MSS);
      view.setUint16(at + 2, option.size);
      break;
    case 'window-scale':
      view.setUint8(at, TCP_OPTION_WINDOW_SCALE);
      view.setUint8(at + 2, option.shift);
      break;
    case 'sack-permitted':
      view.setUint8(at, TCP_OPTION_SACK_PERMITTED);
      break;
    case 'sack':
      view.setUint8(at, TCP_OPTION_SACK);
      for (let index = 0; index < option.blocks.length; index++) {
        view.setUint32(at + 2 + 8 * index, option.blocks[index]!.left);
        view.setUint32(at + 6 + 8 * index, option.blocks[index]!.right);
      }
      break;
    case 'timestamp':
      view.setUint8(at, TCP_OPTION_TIMESTAMP);
      view.setUint32(at + 2, option.value);
      view.setUint32(at + 6, option.echo);
      break;
    case 'unknown':
      view.setUint8(at, option.type);
      writeBytes(view, at + 2, option.data);
      break;
  }
}

/** As tcpdump: `mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7`. */
export function formatTcpOptions(options: readonly TcpOption[]): string {
  return options.map(formatOption).join(',');
}

function formatOption(option: TcpOption): string {
  switch (option.kind) {
    case 'nop':
      return 'nop';
    case 'mss':
      return `mss ${option.size}`;
    case 'window-scale':
      return `wscale ${option.shift}`;
    case 'sack-permitted':
      return 'sackOK';
    case 'sack':
      return `sack ${option.blocks.length} ${option.blocks.map(({ left, right }) => `{${left}:${right}}`).join('')}`;
    case 'timestamp':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'unknown':
      return `unknown-${option.type}${formatData(option.data)}`;
  }
}

function formatData(data: Uint8Array): string {
  return data.length === 0 ? '' : ` 0x${Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
