/**
 * The record of one translation: the tree that `ofproto/trace` prints, and who asked for each un-wildcarded bit.
 *
 * The tree is Open vSwitch's (ovs-vswitchd(8), "ofproto/trace"): tables, actions and remarks in the order in which the
 * translation came to them. A table that an action sent the packet to stands in the list behind that action; it is
 * indented only when something follows it, so that a chain of tables stays flush left.
 */
import { createFlow, FLOW_WORDS, type FlowWords } from '../flow/index.ts';

/**
 * - `bridge`, `table`, `bucket`, `thaw`: have children
 * - `action`: an OpenFlow action
 * - `detail`: ` -> …`, `warning`: ` >> …`, `error`: ` >>>> … <<<<`
 */
export type TraceNodeType = 'bridge' | 'table' | 'bucket' | 'thaw' | 'action' | 'detail' | 'warning' | 'error';

export interface TraceNode {
  readonly type: TraceNodeType;
  readonly text: string;
  readonly children: TraceNode[];
}

/** Who un-wildcarded bits. */
export interface ProvenanceEntry {
  /** the bits that nobody before had asked for */
  readonly mask: FlowWords;
  /** name of the bridge */
  readonly bridge: string;
  /** table that the packet was in, or null before the first and after the last */
  readonly table: number | null;
  /** in a few words, such as `rule "ip,in_port=1, priority 100" matches` or `action dec_ttl` */
  readonly reason: string;
}

export class TranslationTrace {
  /** whether actions and matches show names of ports instead of numbers */
  readonly showsNames: boolean;
  readonly root: TraceNode[] = [];
  readonly provenance: ProvenanceEntry[] = [];
  #list: TraceNode[] = this.root;
  readonly #lists: TraceNode[][] = [];
  readonly #seen: FlowWords = createFlow();

  constructor(options: { readonly showsNames?: boolean } = {}) {
    this.showsNames = options.showsNames ?? false;
  }

  /** Adds a line. */
  report(type: TraceNodeType, text: string): void {
    this.#list.push({ type, text, children: [] });
  }

  /** Adds a line under which the following ones stand, until `leave`. */
  enter(type: TraceNodeType, text: string): void {
    const node: TraceNode = { type, text, children: [] };
    this.#list.push(node);
    this.#lists.push(this.#list);
    this.#list = node.children;
  }

  /** As `enter`, but in the list of the table entered last where there is one: what follows belongs to its packet. */
  enterAfterTable(type: TraceNodeType, text: string): void {
    const last = this.#list.at(-1);
    const node: TraceNode = { type, text, children: [] };
    (last?.type === 'table' ? last.children : this.#list).push(node);
    this.#lists.push(this.#list);
    this.#list = node.children;
  }

  /** How long the current list is, for `rewind`. */
  mark(): number {
    return this.#list.length;
  }

  /** Forgets what was added to the current list since `mark`. */
  rewind(mark: number): void {
    this.#list.length = mark;
  }

  leave(): void {
    this.#list = this.#lists.pop()!;
  }

  /** Takes down that the bits of `wildcards` not seen before were asked for by `reason`. */
  attribute(wildcards: FlowWords, bridge: string, table: number | null, reason: string): void {
    let mask: FlowWords | null = null;
    for (let word = 0; word < FLOW_WORDS; word++) {
      const fresh = wildcards[word]! & ~this.#seen[word]!;
      if (fresh !== 0) {
        mask ??= createFlow();
        mask[word] = fresh;
        this.#seen[word]! |= fresh;
      }
    }
    if (mask !== null) {
      this.provenance.push({ mask, bridge, table, reason });
    }
  }

  /** The tree as `ofproto/trace` prints it, from the line with the bridge's name on; ends with a newline. */
  format(): string {
    const lines: string[] = [];
    formatNodes(lines, this.root, 0);
    return `${lines.join('\n')}\n`;
  }
}

function formatNodes(lines: string[], nodes: readonly TraceNode[], level: number): void {
  nodes.forEach((node, index) => {
    const isFollowed = index < nodes.length - 1;
    const step = isFollowed || node.type === 'bucket' ? 1 : 0;
    switch (node.type) {
      case 'bridge':
        lines.push(
          '',
          indent(level + step, `bridge("${node.text}")`),
          indent(level + step, '-'.repeat(node.text.length + 10)),
        );
        break;
      case 'table':
        lines.push(indent(level + step, node.text));
        break;
      case 'detail':
        lines.push(indent(level + 1, ` -> ${node.text}`));
        break;
      case 'warning':
        lines.push(indent(level + 1, ` >> ${node.text}`));
        break;
      case 'error':
        lines.push(indent(level + 1, ` >>>> ${node.text} <<<<`));
        break;
      default:
        lines.push(indent(level + 1, node.text));
    }
    formatNodes(lines, node.children, node.type === 'thaw' ? level + 1 : level + 2 * step);
  });
}

function indent(level: number, text: string): string {
  return `${' '.repeat(4 * level)}${text}`;
}
