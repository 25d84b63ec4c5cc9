/**
 * The sections that reports have in common: OpenFlow tables, megaflows, masks, the cache in figures, a packet explained.
 */
import type { DpifFlow } from '../dpif/index.ts';
import { createFlow, type FlowWords } from '../flow/index.ts';
import { formatMegaflow } from '../ofproto/index.ts';
import type { Switch, TraceResult } from '../switch/index.ts';
import { DELETION_REASONS, type DeletionReason } from '../udpif/index.ts';
import { counted, formatCount, formatRatio, formatShare, formatTable, heading, type Style, wrap } from './terminal.ts';

/** How a report is laid out. */
export interface Layout {
  readonly width: number;
  readonly style: Style;
}

/** A mask of the cache, with the fields that it matches by name, such as `nw_dst/24`. */
export interface MaskReport {
  readonly fields: readonly string[];
  readonly flows: number;
  readonly hits: number;
}

/** What the cache did so far. */
export interface CacheReport {
  /** how megaflows are found */
  readonly lookup: 'tree' | 'masks';
  readonly lookups: number;
  readonly hits: number;
  readonly misses: number;
  /** packets whose upcall found no room */
  readonly lost: number;
  /** of the hits, those that the mask cache led to */
  readonly maskCacheHits: number;
  /** masks that all lookups together looked at: with the tree, megaflows compared in full, each under its mask */
  readonly maskVisits: number;
  readonly upcalls: number;
  readonly translations: number;
  readonly installed: number;
  readonly megaflows: number;
  readonly masks: number;
  /** megaflows deleted, by reason, without the reasons that did not occur */
  readonly deleted: Readonly<Record<string, number>>;
  readonly revalidationRounds: number;
  readonly revalidated: number;
  readonly modified: number;
  readonly malformed: number;
}

/** What the cache of a switch did; `lookup` is how that switch finds megaflows. */
export function cacheReport(source: Switch, lookup: CacheReport['lookup']): CacheReport {
  const { datapath, udpif, malformed } = source.counters();
  return {
    lookup,
    lookups: datapath.hit + datapath.missed,
    hits: datapath.hit,
    misses: datapath.missed,
    lost: datapath.lost,
    maskCacheHits: datapath.maskCacheHits,
    maskVisits: datapath.maskVisits,
    upcalls: udpif.upcalls,
    translations: udpif.translations,
    installed: udpif.installed,
    megaflows: datapath.flows,
    masks: datapath.masks,
    deleted: Object.fromEntries(Object.entries(udpif.deleted).filter(([, count]) => count > 0)),
    revalidationRounds: udpif.rounds,
    revalidated: udpif.revalidated,
    modified: udpif.modified,
    malformed,
  };
}

/** The masks, those with most hits first. */
export function maskReports(source: Switch): MaskReport[] {
  const samples = maskSamples(source);
  return source
    .masks()
    .map(({ mask, flows, hits }) => ({ fields: samples.get(maskId(mask)) ?? [], flows, hits }))
    .sort((a, b) => b.hits - a.hits || b.flows - a.flows);
}

/** Names of the fields of each mask. What a word means depends on the packet, so a megaflow under the mask is asked. */
function maskSamples(source: Switch): Map<string, string[]> {
  const samples = new Map<string, string[]>();
  const { dpif } = source;
  const dump = dpif.startDump();
  const batch: DpifFlow[] = [];
  const key = createFlow();
  const mask = createFlow();
  for (let count = dump.next(batch, 64); count > 0; count = dump.next(batch, 64)) {
    for (const flow of batch.slice(0, count)) {
      dpif.readMask(flow, mask);
      const id = maskId(mask);
      if (!samples.has(id)) {
        dpif.readKey(flow, key);
        samples.set(id, fieldNames(formatMegaflow(key, mask)));
      }
    }
  }
  return samples;
}

function maskId(mask: FlowWords): string {
  return mask.join();
}

/** `tcp,in_port=1,nw_dst=10.0.0.0/24` has the fields `tcp`, `in_port` and `nw_dst/24`. */
function fieldNames(match: string): string[] {
  return match
    .split(/,(?![^()]*\))/)
    .filter((term) => term !== '')
    .map((term) => {
      const [name, value = ''] = term.split('=');
      const slash = value.indexOf('/');
      return slash < 0 ? name! : `${name}${value.slice(slash)}`;
    });
}

/** `ovs-ofctl dump-flows`, table by table. */
export function formatOpenFlowTables(source: Switch, { width, style }: Layout): string {
  const flows = source.dumpFlowsText();
  const lines = flows.split('\n').filter((line) => line !== '');
  const tables = new Set(lines.map((line) => /table=(\w+)/.exec(line)?.[1] ?? '0'));
  const remark = `${counted(lines.length, 'flow')} in ${counted(tables.size, 'table')}; as ovs-ofctl dump-flows`;
  return heading('OpenFlow tables', remark, style) + lines.map((line) => `${wrap(` ${line}`, width, 4)}\n`).join('');
}

/** `ovs-appctl dpctl/dump-flows`, those with most packets first, at most `limit` of them. */
export function formatMegaflows(source: Switch, limit: number, { width, style }: Layout): string {
  const megaflows = source.megaflows().sort((a, b) => b.packets - a.packets);
  const shown = megaflows.slice(0, limit);
  const rest = megaflows.length - shown.length;
  return [
    heading('Megaflows', `${formatCount(megaflows.length)}; as ovs-appctl dpctl/dump-flows`, style),
    ...shown.map(({ text }) => `${wrap(`  ${text}`, width, 6)}\n`),
    rest === 0 ? '' : `  … and ${formatCount(rest)} more with fewer packets\n`,
  ].join('');
}

export function formatMasks(source: Switch, limit: number, { width, style }: Layout): string {
  const masks = maskReports(source);
  const rows = masks
    .slice(0, limit)
    .map(({ fields, flows, hits }) => [formatCount(hits), formatCount(flows), fields.join(', ')]);
  const table = formatTable(
    [{ title: 'hits', align: 'right' }, { title: 'megaflows', align: 'right' }, { title: 'matched fields' }],
    rows,
    width,
    style,
  );
  const rest = masks.length - rows.length;
  return `${heading('Masks', formatCount(masks.length), style)}${table}${rest === 0 ? '' : `  … and ${formatCount(rest)} more\n`}`;
}

export function formatCache(report: CacheReport, { width, style }: Layout): string {
  const { lookups, hits, misses, lost, upcalls, translations, installed, deleted } = report;
  const deletions = Object.entries(deleted).map(
    ([reason, count]) => `${formatCount(count)} ${DELETION_REASONS[reason as DeletionReason]}`,
  );
  const rows = [
    ['hits', formatCount(hits), `${formatShare(hits, lookups)} of ${counted(lookups, 'lookup')}`],
    ['misses', formatCount(misses), lost === 0 ? '' : `${formatCount(lost)} of them lost: the upcall queue was full`],
    [
      'upcalls',
      formatCount(upcalls),
      `${counted(translations, 'translation')}, ${counted(installed, 'megaflow')} installed`,
    ],
    [
      'masks per lookup',
      formatRatio(report.maskVisits, lookups),
      report.lookup === 'tree'
        ? 'by hash tree: megaflows compared, each under its mask'
        : `by mask list; ${counted(report.maskCacheHits, 'hit')} of the mask cache`,
    ],
    ['megaflows', formatCount(report.megaflows), `under ${counted(report.masks, 'mask')}`],
    [
      'revalidations',
      formatCount(report.revalidationRounds),
      `${counted(report.revalidated, 'megaflow')} translated again, ${formatCount(report.modified)} modified`,
    ],
    ['deletions', formatCount(Object.values(deleted).reduce((sum, count) => sum + count, 0)), deletions.join(', ')],
    ['malformed packets', formatCount(report.malformed), ''],
  ];
  return (
    heading('Cache', '', style) +
    formatTable([{ title: '' }, { title: '', align: 'right' }, { title: '' }], rows, width, style).replace(/^.*\n/, '')
  );
}

/** The trace of a packet, and for every field of its megaflow who asked for it. */
export function formatTraceText(trace: TraceResult, { width }: Layout): string {
  return trace.text
    .trimEnd()
    .split('\n')
    .map((line) => `${wrap(`  ${line}`, width, (/^ */.exec(line)?.[0].length ?? 0) + 6).trimEnd()}\n`)
    .join('');
}

export function formatExplanation(trace: TraceResult, { width, style }: Layout): string {
  const rows = trace.explanation.map(({ field, value, bridge, table, reason }) => [
    field,
    value,
    table === null ? bridge : `table ${table}`,
    reason,
  ]);
  const columns = [{ title: 'field' }, { title: 'matched' }, { title: 'where' }, { title: 'who asked' }];
  return heading('Why the megaflow matches what it does', '', style) + formatTable(columns, rows, width, style);
}
