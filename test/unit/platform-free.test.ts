/**
 * The package's entry must load in a browser: nothing that it imports, however indirectly, is Node's or a package.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const SOURCE = new URL('../../src/', import.meta.url);

/** Imports and re-exports of a module; types vanish and do not count. */
function importsOf(file: URL): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)';|^import '([^']+)';/gm)].map(
    (match) => match[1] ?? match[2]!,
  );
}

function reach(entry: string): { modules: Set<string>; foreign: string[] } {
  const modules = new Set<string>();
  const foreign: string[] = [];
  const visit = (file: URL): void => {
    if (modules.has(file.href)) {
      return;
    }
    modules.add(file.href);
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) {
        visit(new URL(name, file));
      } else {
        foreign.push(`${name} (from ${file.href.slice(SOURCE.href.length)})`);
      }
    }
  };
  visit(new URL(entry, SOURCE));
  return { modules, foreign };
}

for (const entry of [
  'index.ts',
  'wire/index.ts',
  'flow/index.ts',
  'datapath/index.ts',
  'openflow/index.ts',
  'netdev/index.ts',
]) {
  test(`src/${entry} reaches neither Node nor a package`, () => {
    const { modules, foreign } = reach(entry);
    assert.deepEqual(foreign, []);
    assert.ok(modules.size > 5, `only ${modules.size} modules were found`);
  });
}

test('the walk does find foreign imports', () => {
  assert.notDeepEqual(reach('platform/index.ts').foreign, []);
});
