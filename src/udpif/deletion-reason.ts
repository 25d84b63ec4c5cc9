/**
 * Why a megaflow was deleted; texts as Open vSwitch's. Three of its reasons cannot come about here: `none`, `avoid_race` (there
 * is one thread) and `bad_odp_fit` (keys are words, which always fit).
 */
export const DELETION_REASONS = {
  flow_idle: 'flow idle timed out',
  flow_limit: 'kill all flows condition detected',
  flow_wildcarded: 'mask too wide for the new translation',
  no_ofproto: 'bridge not found',
  purge: 'user requested flow deletion',
  too_expensive: 'too expensive to revalidate',
  update_fail: 'datapath update failed',
  xlation_error: 'flow translation error',
} as const;

export type DeletionReason = keyof typeof DELETION_REASONS;
