/**
 * The `multipath`, `bundle` and `bundle_load` actions: a hash of the flow chooses a link or a port (ovs-actions(7)).
 */
import { finishHash, hashFlowFields, hashWord, type Subfield, unwildcardHashFields } from '../flow/index.ts';
import type { BundleAction, MultipathAction, OpenFlowPort } from '../openflow/index.ts';
import { OFPP_NONE } from '../openflow/index.ts';
import { lookAtSubfield } from './flow-edit.ts';
import { translateOutput } from './translate-output.ts';
import type { TranslationContext } from './translation-context.ts';

export function translateMultipath(context: TranslationContext, action: MultipathAction): void {
  const { flow, wildcards } = context;
  unwildcardHashFields(flow, action.fields, wildcards);
  const hash = hashFlowFields(flow, action.fields, action.basis);
  const link = chooseLink(action.algorithm, hash, action.links, action.argument);
  setSubfield(context, action.destination, link);
}

/** A link, 0..links-1, by one of the algorithms of ovs-actions(7), "multipath". */
function chooseLink(algorithm: MultipathAction['algorithm'], hash: number, links: number, argument: number): number {
  switch (algorithm) {
    case 'modulo_n':
      return (hash >>> 0) % links;
    case 'hash_threshold':
      return links === 1 ? 0 : Math.min(links - 1, Math.floor((hash >>> 0) / Math.ceil(2 ** 32 / links)));
    case 'hrw':
      return highestRandomWeight(hash, links);
    case 'iter_hash':
      return iterateHash(hash, links, argument);
  }
}

function highestRandomWeight(hash: number, links: number): number {
  let best = 0;
  let bestWeight = -1;
  for (let link = 0; link < links; link++) {
    const weight = finishHash(hashWord(hash, link)) >>> 0;
    if (weight > bestWeight) {
      best = link;
      bestWeight = weight;
    }
  }
  return best;
}

/** Hashes again until the result is a link, at most 64 times; then the remainder decides. */
function iterateHash(hash: number, links: number, argument: number): number {
  const range = 2 ** Math.ceil(Math.log2(Math.max(links, argument, 1) + 1));
  let value = hash;
  for (let attempt = 0; attempt < 64; attempt++) {
    const link = (value >>> 0) % range;
    if (link < links) {
      return link;
    }
    value = finishHash(hashWord(value, attempt));
  }
  return (hash >>> 0) % links;
}

export function translateBundle(context: TranslationContext, action: BundleAction, isLast: boolean): void {
  const port = chooseMember(context, action);
  if (action.destination !== null) {
    setSubfield(context, action.destination, port);
  } else if (port !== OFPP_NONE) {
    translateOutput(context, port, 0, false, false, isLast);
  }
}

function chooseMember(context: TranslationContext, action: BundleAction): OpenFlowPort {
  const { bridge, flow, wildcards } = context;
  const live = action.members.filter((member) => bridge.isPortLive(member));
  if (live.length === 0) {
    return OFPP_NONE;
  }
  if (action.algorithm === 'active_backup') {
    return live[0]!;
  }
  unwildcardHashFields(flow, action.fields, wildcards);
  const hash = hashFlowFields(flow, action.fields, action.basis);
  // Over all members, so that one that fails moves only its own flows.
  const order = action.members
    .map((member, index) => ({ member, weight: finishHash(hashWord(hash, index)) >>> 0 }))
    .sort((a, b) => b.weight - a.weight);
  return order.find(({ member }) => bridge.isPortLive(member))!.member;
}

function setSubfield(context: TranslationContext, destination: Subfield, value: number): void {
  lookAtSubfield(context.wildcards, destination);
  context.writeSubfield(destination, value);
  context.reportSubfield(destination);
}
