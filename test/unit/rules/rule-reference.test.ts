import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { functions } from '../../../rules/expression/functions.js';
import { formatRuleReference, ruleReference } from '../../../rules/rule-reference.js';
import { projectRoot } from '../../../runtime/project-root.js';

it.each([
  ['en', 'README.md'],
  ['zh', 'README.zh-CN.md'],
] as const)('the reference of conditions in %s says what the tables say', (language, file) => {
  // Mended with: npx campus rules functions --markdown LANGUAGE > rules/FILE
  expect(readFileSync(join(projectRoot, 'rules', file), 'utf8')).toBe(`${formatRuleReference(language)}\n`);
});

it('has every function once, in both languages', () => {
  const entries = ruleReference.flatMap((section) => section.entries);
  for (const name of Object.keys(functions))
    expect(entries.filter((entry) => entry.name === name)).toHaveLength(1);
  for (const { gives } of entries) expect(gives.zh).toMatch(/[\u4e00-\u9fff]/);
});
