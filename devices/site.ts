import type { District } from './district.js';
import type { Vocabulary } from './words.js';

export type SiteKind = 'campus' | 'learning_point';

export const siteKindWords: Vocabulary<SiteKind> = {
  campus: { zh: '感知校园', en: 'Campus', also: ['校区', '学校', 'school', 'perception campus'] },
  learning_point: {
    zh: '超级学习支点',
    en: 'Learning point',
    also: ['学习支点', '支点', 'super-learning point'],
  },
};

export type SchoolStage =
  | 'kindergarten'
  | 'primary'
  | 'junior'
  | 'nine_year'
  | 'senior'
  | 'secondary'
  | 'twelve_year'
  | 'vocational'
  | 'special';

export const schoolStageWords: Vocabulary<SchoolStage> = {
  kindergarten: { zh: '幼儿园', en: 'Kindergarten', also: ['学前'] },
  primary: { zh: '小学', en: 'Primary school' },
  junior: { zh: '初中', en: 'Junior secondary school', also: ['初级中学'] },
  nine_year: { zh: '九年一贯制', en: 'Nine-year school', also: ['九年一贯制学校'] },
  senior: { zh: '高中', en: 'Senior secondary school', also: ['高级中学'] },
  secondary: { zh: '完全中学', en: 'Secondary school', also: ['中学', '完中'] },
  twelve_year: { zh: '十二年一贯制', en: 'Twelve-year school', also: ['十二年一贯制学校'] },
  vocational: { zh: '中职', en: 'Vocational school', also: ['中等职业学校', '职业学校', '职中'] },
  special: { zh: '特殊教育', en: 'Special school', also: ['特教', '特殊教育学校'] },
};

/** A campus or a learning point. */
export interface Site {
  readonly id: string;
  readonly kind: SiteKind;
  /** District of the city, as a tag; `unassigned` until somebody says. */
  readonly district: District | typeof unassigned;
  readonly stage?: SchoolStage | undefined;
  /** Contracted rate of the uplink, Mbit/s. */
  readonly uplinkMbps?: number | undefined;
  readonly nameZh?: string | undefined;
  readonly nameEn?: string | undefined;
}

/** A value for a tag that nobody has set yet: a tag is never missing, so series stay comparable. */
export const unassigned = 'unassigned';

/**
 * The shard of the reading log that a site's messages go to (FNV-1a). All of a site is in one shard, so that
 * rules over a whole site see one order.
 */
export function shardOf(site: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < site.length; i++) hash = Math.imul(hash ^ site.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}
