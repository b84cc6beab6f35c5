import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatSettingsReference } from '../../../cli/settings-reference.js';
import { projectRoot } from '../../../runtime/project-root.js';
import { settingAreas, settingDefinitions } from '../../../runtime/settings.js';

describe('the reference of settings', () => {
  it.each([
    ['en', 'SETTINGS.md'],
    ['zh', 'SETTINGS.zh-CN.md'],
  ] as const)('in %s says what the schema says', (language, file) => {
    // Mended with: npx campus config --markdown LANGUAGE > runtime/FILE
    expect(readFileSync(join(projectRoot, 'runtime', file), 'utf8')).toBe(
      `${formatSettingsReference(language)}\n`,
    );
  });

  it('has every setting once', () => {
    const names = settingAreas.flatMap(({ settings }) => Object.keys(settings));
    expect(names).toEqual(Object.keys(settingDefinitions));
  });

  it('is in Chinese where it is meant to be', () => {
    for (const { settings } of settingAreas) {
      for (const { help } of Object.values(settings)) expect(help.zh).toMatch(/[\u4e00-\u9fff]/);
    }
  });
});
