/**
 * Meters as text (ovs-ofctl(8), "Meter Syntax"): meter mods as `ovs-ofctl add-meter` reads them, configuration and statistics as
 * `dump-meters` and `meter-stats` show them.
 */
import { formatDuration } from './duration-text.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import {
  type MeterBand,
  type MeterMod,
  type MeterStatistics,
  OFPM_ALL,
  OFPM_CONTROLLER,
  OFPM_MAX,
  OFPM_SLOWPATH,
} from './messages.ts';
import { parseNamedNumber, parseUint32 } from './number-text.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

/** What a meter is, without the command that made it so. */
export type MeterDescription = Omit<MeterMod, 'command'>;

const VIRTUAL_METERS: ReadonlyMap<string, number> = new Map([
  ['all', OFPM_ALL],
  ['controller', OFPM_CONTROLLER],
  ['slowpath', OFPM_SLOWPATH],
]);
const VIRTUAL_METER_NAMES: ReadonlyMap<number, string> = new Map([...VIRTUAL_METERS].map(([name, id]) => [id, name]));
const BANDS_PATTERN = /(?<![^\s,])bands?\s*=/;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Terms {
  meter: number | null;
  kbps: boolean;
  pktps: boolean;
  burst: boolean;
  stats: boolean;
}

/** Reads one meter for a command. Throws `OpenFlowTextError`, whose `offset` is in `line`. */
export function parseMeterMod(line: string, command: MeterMod['command'], options: OpenFlowTextOptions = {}): MeterMod {
  const isDelete = command === 'delete';
  const marker = isDelete ? null : BANDS_PATTERN.exec(line);
  if (!isDelete && marker === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'must specify bands');
  }
  const terms: Terms = { meter: null, kbps: false, pktps: false, burst: false, stats: false };
  eachKeyValue(line.slice(0, marker?.index ?? line.length), (item) => parseTerm(item, terms, isDelete, options));
  if (terms.meter === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', "must specify 'meter'");
  }
  if (!isDelete && !terms.kbps && !terms.pktps) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', "meter must specify either 'kbps' or 'pktps'");
  }
  if (terms.kbps && terms.pktps) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', "meter must specify either 'kbps' or 'pktps', not both");
  }
  const { meter, burst, stats } = terms;
  const bands = marker === null ? [] : parseBands(line, marker.index + marker[0].length, burst, options);
  return { command, meter, unit: terms.pktps ? 'pktps' : 'kbps', burst, stats, bands };
}

function parseTerm({ key, value }: KeyValue, terms: Terms, isDelete: boolean, options: OpenFlowTextOptions): void {
  if (key === 'meter' && value !== '') {
    terms.meter = parseMeterId(value, options);
  } else if (!isDelete && value === '' && (key === 'kbps' || key === 'pktps' || key === 'burst' || key === 'stats')) {
    terms[key] = true;
  } else if (value === '') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `field ${key} missing value`);
  } else {
    throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `unknown keyword ${key}`);
  }
}

function parseMeterId(text: string, options: OpenFlowTextOptions): number {
  const virtual = VIRTUAL_METERS.get(text);
  if (virtual !== undefined) {
    return virtual;
  }
  const meter = parseUint32(text, options);
  if (meter === 0 || meter > OFPM_MAX) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', 'invalid value for meter');
  }
  return meter;
}

interface BandDraft extends Writable<MeterBand> {
  hasPrecedenceLevel: boolean;
}

function parseBands(line: string, start: number, burst: boolean, options: OpenFlowTextOptions): MeterBand[] {
  const drafts: BandDraft[] = [];
  eachKeyValue(' '.repeat(start) + line.slice(start), ({ key, value }) => {
    const band = drafts.at(-1);
    if (value === '') {
      throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `field ${key} missing value`);
    }
    if (key === 'type') {
      drafts.push({ type: parseBandType(value), rate: 0, burst: 0, precedenceLevel: 0, hasPrecedenceLevel: false });
    } else if (band === undefined) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_ORDER', "band must start with the 'type' keyword");
    } else if (key === 'rate') {
      band.rate = parseUint32(value, options);
    } else if (key === 'burst_size') {
      band.burst = parseUint32(value, options);
    } else if (key === 'prec_level') {
      band.precedenceLevel = parseNamedNumber(value, key, 0xff, options);
      band.hasPrecedenceLevel = true;
    } else {
      throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `unknown keyword ${key}`);
    }
  });
  if (drafts.length === 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'meter must have bands');
  }
  return drafts.map((draft) => finishBand(draft, burst));
}

function parseBandType(text: string): MeterBand['type'] {
  if (text !== 'drop' && text !== 'dscp_remark') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `field type unknown value ${text}`);
  }
  return text;
}

function finishBand({ hasPrecedenceLevel, ...band }: BandDraft, burst: boolean): MeterBand {
  if (band.type === 'dscp_remark' && !hasPrecedenceLevel) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', "'dscp_remark' band must have 'prec_level'");
  }
  if (band.rate === 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', "band must have 'rate'");
  }
  if (burst && band.burst === 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', "band must have 'burst_size' when 'burst' flag is set");
  }
  if (!burst && band.burst !== 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', "band may have 'burst_size' only when 'burst' flag is set");
  }
  return band;
}

function formatMeterId(meter: number): string {
  return VIRTUAL_METER_NAMES.get(meter) ?? String(meter);
}

/** A meter as `dump-meters` shows it: a line for the meter and one for each band. */
export function formatMeter({ meter, unit, burst, stats, bands }: MeterDescription): string {
  const flags = `${unit}${burst ? ' burst' : ''}${stats ? ' stats' : ''}`;
  return [`meter=${formatMeterId(meter)} ${flags} bands=`, ...bands.map(formatBand)].join('\n');
}

function formatBand({ type, rate, burst, precedenceLevel }: MeterBand): string {
  const burstText = burst === 0 ? '' : ` burst_size=${burst}`;
  const level = type === 'dscp_remark' ? ` prec_level=${precedenceLevel}` : '';
  return `type=${type} rate=${rate}${burstText}${level}`;
}

/** A meter mod as Open vSwitch shows the message; the bands follow on their own lines. */
export function formatMeterMod(mod: MeterMod): string {
  switch (mod.command) {
    case 'add':
      return `ADD ${formatMeter(mod)}`;
    case 'modify':
      return `MOD ${formatMeter(mod)}`;
    case 'delete':
      return `DEL meter=${formatMeterId(mod.meter)}`;
  }
}

/** A meter's statistics as `meter-stats` shows them: a line for the meter and one for each band. */
export function formatMeterStats(stats: MeterStatistics): string {
  const { meter, flowCount, packets, bytes, durationMs, bands } = stats;
  const head = `meter:${formatMeterId(meter)} flow_count:${flowCount} packet_in_count:${packets} byte_in_count:${bytes}`;
  const lines = bands.map((band, index) => `${index}: packet_count:${band.packets} byte_count:${band.bytes}`);
  return [`${head} duration:${formatDuration(durationMs)} bands:`, ...lines].join('\n');
}
