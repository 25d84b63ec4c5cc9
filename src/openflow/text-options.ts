/** What the readers and writers of OpenFlow text need to know from outside. Everything is optional. */
import type { FlowTextOptions } from '../flow/index.ts';

/** Names of OpenFlow tables, where they are known. */
export interface TableNames {
  numberOf(name: string): number | undefined;
  nameOf(table: number): string | undefined;
}

/**
 * Names of ports (`ports`) and of tables, the map of tunnel metadata, and `ovsCompat`: accept what Open vSwitch accepts
 * carelessly, such as a number that wraps around or an argument that means nothing. Without names, only numbers and the
 * reserved names go (`ovs-ofctl --no-names`).
 */
export interface OpenFlowTextOptions extends FlowTextOptions {
  readonly tables?: TableNames;
}
