import { expect, it } from 'vitest';
import { explainCondition, explainValue } from '../../../../alerts/mail/value-words.js';

it.each([
  ['co2_ppm', 1623.44, '二氧化碳', '1,623.4 ppm'],
  ['temp_c', 28.25, '温度', '28.3 °C'],
  ['hcho_mgm3', 0.084, '甲醛', '0.08 mg/m³'],
  ['occupied', 1, '有人', '是'],
  ['mean(co2_ppm, "10m")', 1001, '二氧化碳（10 分钟平均）', '1,001 ppm'],
  ['max(temp_c, "1h")', 31, '温度（1 小时最高）', '31 °C'],
  ['silence_s', 930, '无数据时长', '15 分钟 30 秒'],
  ['presence', 'stale', '设备状态', '无响应'],
  ['something new', 'x', 'something new', 'x'],
])('says %s of %s as %s: %s', (term, value, label, said) => {
  expect(explainValue('sensor', term, value, 'zh')).toEqual({ label, value: said });
});

it('says a word that a device reports as it is', () => {
  expect(explainValue('whiteboard', 'power', 'standby', 'en')).toEqual({
    label: 'Power state',
    value: 'standby',
  });
});

it.each([
  ['sensor', 'mean(co2_ppm, "5m") > 1500 && occupied == 1', '二氧化碳（5 分钟平均，ppm） > 1500 且 有人 = 1'],
  ['sensor', 'temp_c <= 27 || max(occupied, "10m") == 0', '温度（°C） ≤ 27 或 有人（10 分钟最高） = 0'],
  ['ap', 'presence in ["stale", "offline"]', '设备状态 in ["无响应", "离线"]'],
  [
    'gateway',
    'silence_s > math.greatest(3 * interval_s, 300)',
    '无数据时长（秒） > 较大者 (3 × 正常上报间隔（秒）, 300)',
  ],
  ['ap', 'co2_ppm != 3', 'co2_ppm ≠ 3'],
] as const)('says the condition of a %s, %s, as %s', (deviceClass, condition, said) => {
  expect(explainCondition(deviceClass, condition, 'zh')).toBe(said);
});
