/** Whether system tests can have network namespaces here, and the reason to skip them when not. */
import { NetworkNamespaces, networkNamespacesProblem } from '../../src/platform/index.ts';

export function whyNoNamespaces(): string | false {
  const problem = networkNamespacesProblem();
  if (problem !== null) return problem;
  try {
    const trial = new NetworkNamespaces();
    try {
      trial.add('trial');
    } finally {
      trial.remove();
    }
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
