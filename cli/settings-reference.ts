import { settingAreas } from '../runtime/settings.js';
import type {
  SettingDefinition,
  SettingReader,
  SettingScope,
  SettingUnit,
  Words,
} from '../runtime/settings/setting-definition.js';

export const referenceLanguages = ['en', 'zh'] as const;
export type ReferenceLanguage = (typeof referenceLanguages)[number];

const columns: readonly Words[] = [
  { en: 'variable', zh: '变量' },
  { en: 'default', zh: '默认' },
  { en: 'unit', zh: '单位' },
  { en: 'what it does', zh: '作用' },
  { en: 'read by', zh: '读取者' },
  { en: 'one value for', zh: '适用范围' },
];

const unset: Words = { en: 'unset', zh: '未设' };

const units: Readonly<Record<SettingUnit, string>> = {
  s: '秒',
  days: '天',
  bytes: '字节',
  'bytes/s': '字节/秒',
  MiB: 'MiB',
  'messages/s': '条/秒',
  'failures/min': '次/分钟',
  count: '个',
  'times real time': '倍速',
  port: '端口',
  address: '地址',
  URL: 'URL',
  folder: '文件夹',
  file: '文件',
  text: '文本',
  word: '词',
  time: '时间',
  '0 or 1': '0 或 1',
};

const scopes: Readonly<Record<SettingScope, Words>> = {
  process: { en: 'each process', zh: '每个进程' },
  machine: { en: 'a machine', zh: '一台机器' },
  pipeline: { en: 'the pipeline', zh: '整个管道' },
};

const readerWords: Partial<Readonly<Record<SettingReader, Words>>> = {
  up: { en: '`campus up`', zh: '`campus up`' },
  verbs: { en: 'other verbs', zh: '其他命令' },
  all: { en: 'all', zh: '全部' },
};

const introductions: Words = {
  en: `# Settings

[中文](SETTINGS.zh-CN.md) · [README](../README.md)

Each is an environment variable and a flag (\`MQTT_PORT\` is \`--mqtt-port\`; a flag goes before the variable, and an empty variable counts as unset). \`campus config\` checks them and shows what is in force.

The last column says whom one value is for:

- **each process**: each process that reads it keeps to it and counts by itself, so that with \`BROKERS=2\` both brokers together take twice as much.
- **a machine**: the processes of one machine; another machine may have another value.
- **the pipeline**: everybody, so give it the same value on all machines.
`,
  zh: `# 设置

[English](SETTINGS.md) · [README](../README.zh-CN.md)

每项都是环境变量，也是命令行参数（\`MQTT_PORT\` 即 \`--mqtt-port\`；参数优先于变量，空变量视为未设）。\`campus config\` 检查各项并显示当前值。

最后一列说明一个值适用于谁：

- **每个进程**：读取它的每个进程各自遵守、各自计数；\`BROKERS=2\` 时，两个 broker 合计为两倍。
- **一台机器**：同一台机器上的各进程；其他机器可用其他值。
- **整个管道**：所有进程，因此各台机器须设为相同的值。
`,
};

/** The reference of all settings as Markdown: `runtime/SETTINGS.md` (`en`) and `SETTINGS.zh-CN.md` (`zh`). */
export function formatSettingsReference(language: ReferenceLanguage): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [row(columns.map((column) => column[language])), `|${'---|'.repeat(columns.length)}`];
  const areas = settingAreas.map(({ title, settings }) => {
    const rows = Object.entries(settings).map(([name, setting]) => row(describe(name, setting, language)));
    return `## ${title[language]}\n\n${[...head, ...rows].join('\n')}\n`;
  });
  return [introductions[language], ...areas].join('\n').trimEnd();
}

function describe(name: string, setting: SettingDefinition, language: ReferenceLanguage): string[] {
  const { help, unit, scope, readers } = setting;
  return [
    `\`${name}\``,
    defaultOf(setting, language),
    language === 'en' ? unit : units[unit],
    help[language],
    readers.map((reader) => readerWords[reader]?.[language] ?? reader).join(language === 'en' ? ', ' : '、'),
    scopes[scope][language],
  ];
}

function defaultOf({ schema, defaultWords }: SettingDefinition, language: ReferenceLanguage): string {
  if (defaultWords !== undefined) return defaultWords[language];
  const value = schema.safeParse(undefined).data;
  if (value === undefined) return unset[language];
  return `\`${typeof value === 'boolean' ? Number(value) : String(value)}\``;
}
